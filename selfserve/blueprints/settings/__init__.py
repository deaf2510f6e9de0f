"""Settings: one blueprint of pages in two rooms, so that none grows long."""

from selfserve.blueprints.settings import prices

__all__ = ["prices"]
