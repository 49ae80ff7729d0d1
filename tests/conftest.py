"""What holds for every test."""

import signal

# A shell that starts this in the background, and nohup, ignore signals for all that is started below;
# programs under test must meet signals as they do in front of a person.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
