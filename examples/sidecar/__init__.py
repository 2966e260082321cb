"""A sidecar that has the media of a small ActivityPub server attested before its posts are signed."""
