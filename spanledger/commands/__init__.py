"""The commands behind ``spanledger/cli.py``, by what they are about; each module is imported when its command runs."""
