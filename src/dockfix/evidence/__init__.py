"""Evidence about an image from the application's sources, as claims."""
