"""Use cases of the interop lab: testing documents, issuers, carriers and verifiers; temporary inboxes."""
