"""One smoke test for each hash service, asked for real with the operator's own key: `make live`."""
