"""Media Attestation JWT v1."""
