#include <aerospike/as_version.h>

#include <stdio.h>
#include <string.h>

#define NUMBERS 4

const as_version as_server_version_8_1 = {8, 1, 0, 0};
const as_version as_server_version_8_1_1 = {8, 1, 1, 0};
const as_version as_server_version_8_1_3 = {8, 1, 3, 0};

bool as_version_from_string(as_version* ver, const char* str)
{
    uint16_t numbers[NUMBERS] = {0};
    memset(ver, 0, sizeof(*ver));
    for (int i = 0; i < NUMBERS; i++) {
        uint32_t number = 0;
        if (*str < '0' || *str > '9') {
            return false;
        }
        while (*str >= '0' && *str <= '9') {
            number = number * 10 + (uint32_t)(*str++ - '0');
            if (number > UINT16_MAX) {
                return false;
            }
        }
        numbers[i] = (uint16_t)number;
        if (*str != '.') {
            break;
        }
        str++;
    }
    *ver = (as_version){numbers[0], numbers[1], numbers[2], numbers[3]};
    return true;
}

void as_version_to_string(const as_version* ver, char* str, size_t size)
{
    snprintf(str, size, "%u.%u.%u.%u", ver->major, ver->minor, ver->patch, ver->build);
}

int as_version_compare(const as_version* ver1, const as_version* ver2)
{
    const uint16_t a[NUMBERS] = {ver1->major, ver1->minor, ver1->patch, ver1->build};
    const uint16_t b[NUMBERS] = {ver2->major, ver2->minor, ver2->patch, ver2->build};
    for (int i = 0; i < NUMBERS; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}
