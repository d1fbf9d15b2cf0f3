"""From a refused request to a container engine to its compose file: services, images, files of containers."""
