"""Media as other servers keep them: folders, and S3."""
