"""Configuration: what may be set, where it is read from, and what is wrong with it."""

from scpd.config.loading import check, load
from scpd.config.problems import ConfigError, Problem, render
from scpd.config.settings import Settings

__all__ = ["ConfigError", "Problem", "Settings", "check", "load", "render"]
