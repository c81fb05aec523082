"""What sources say of the image, as claims."""
