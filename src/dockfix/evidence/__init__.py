"""Evidence about an image, collected from the application's sources and deployments."""
