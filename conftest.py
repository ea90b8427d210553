"""For pytest alone: the notebooks' last test, wherever pytest is called from."""

pytest_plugins = ["notebook_plugin"]

# Only nbgrader can read it.
collect_ignore = ["solutions/nbgrader_config.py"]
