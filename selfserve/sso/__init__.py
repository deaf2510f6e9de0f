"""Identity providers: how people are sent there, and how what comes back is checked. It knows no browser and no row."""
