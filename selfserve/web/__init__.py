"""The HTTP kit that all blueprints share."""
