"""How many people a study of a risk needs: to find a gradient, and to build a model."""
