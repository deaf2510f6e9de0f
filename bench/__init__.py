"""`make bench`: what Selfserve does per second, beside a bare Flask view on the same server; docs/performance.md."""
