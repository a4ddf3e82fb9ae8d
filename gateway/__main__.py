"""`python -m gateway` is the command `gateway`."""

if __name__ == "__main__":  # and not in the processes that it starts
    from gateway.cli.main import main

    main()
