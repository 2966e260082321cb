"""The admin pages: what somebody who never programmed needs to see and to change what the relay does."""
