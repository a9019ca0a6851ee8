"""``python -m spanledger``: how ``up`` starts its roles."""

from spanledger.cli import main

main()
