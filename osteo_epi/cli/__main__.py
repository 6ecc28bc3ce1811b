"""`python -m osteo_epi.cli`, where the command is not on the path."""

from osteo_epi.cli import main

main()
