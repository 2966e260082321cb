"""One smoke test for each hash service and each keeper, asked for real with the operator's own key: `make live`."""
