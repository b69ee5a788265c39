"""`python -m plumbline`: the command, of this very interpreter."""

from plumbline.cli.main import main

if __name__ == "__main__":
    main(prog_name="plumbline")
