"""What each route does, one file a subject: the services' values in and out of the API's types."""
