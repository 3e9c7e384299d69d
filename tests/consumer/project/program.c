/* A program of somebody who has the package only. */
#include <stdio.h>

#include <aerospike/version.h>

int main(void)
{
    printf("interface of %s\n", aerospike_client_version);
    return 0;
}
