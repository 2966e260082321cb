"""`python -m relay` is the `assay` command."""

from relay.cli.main import main

if __name__ == "__main__":
    main()
