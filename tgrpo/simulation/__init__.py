"""One LIBERO task that can be reset and stepped: models, steppers, initial states, success."""
