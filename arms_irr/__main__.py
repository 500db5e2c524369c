"""``python -m arms_irr``: the command line."""

from arms_irr.cli.main import main

if __name__ == "__main__":
    main()
