#include <aerospike/version.h>

char* aerospike_client_version = "7.5.0";
