-- More formats can be decoded than before: what could not be is forgotten, and looked at when it comes again.
DELETE FROM media WHERE undecodable IS NOT NULL;
