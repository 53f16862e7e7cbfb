"""What a message looks like in each medium: plain functions from a Message to text. Nothing here sends."""
