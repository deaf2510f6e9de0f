"""The words of the wire: what may be said in, and all that may be said out."""
