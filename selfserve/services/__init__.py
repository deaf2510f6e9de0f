"""What can be done, one room per word. The first argument is who asks; one public operation is one transaction."""
