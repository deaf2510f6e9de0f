"""Keys: one blueprint of pages in several rooms, so that none grows long, and one of the API."""

from selfserve.blueprints.keys import bulk, detail, live, rotation, trial

__all__ = ["bulk", "detail", "live", "rotation", "trial"]
