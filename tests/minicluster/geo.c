/*
 * GeoJSON by search for its words, not by a parser: tests send well-formed text or plain garbage.
 * Cells are those of the S2 geometry: the unit cube's faces, a quadratic projection, and a Hilbert
 * curve of 30 levels on each face.
 */
#include "geo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GEO_LEVELS = 30,
    GEO_TEXT_MAX = 256
};

// The text after `"word"` and a colon, or NULL.
static const char* geo_member(const char* json, const char* word)
{
    const char* at = strstr(json, word);
    if (!at) {
        return NULL;
    }
    at += strlen(word);
    at += strspn(at, " \t\r\n");
    return *at == ':' ? at + 1 + strspn(at + 1, " \t\r\n") : NULL;
}

bool mc_geo_is_valid(const char* json, size_t len)
{
    static const char* const types[] = {"\"Point\"", "\"Polygon\"", "\"MultiPolygon\"",
                                        "\"AeroCircle\"", "\"Feature\""};
    char text[GEO_TEXT_MAX + 1];
    size_t n = len < GEO_TEXT_MAX ? len : GEO_TEXT_MAX;
    if (len < 2 || json[0] != '{' || json[len - 1] != '}') {
        return false;
    }
    memcpy(text, json, n);
    text[n] = 0;
    const char* type = geo_member(text, "\"type\"");
    for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strncmp(type, types[i], strlen(types[i]))) {
            return i == 4 || geo_member(text, "\"coordinates\"");
        }
    }
    return false;
}

static double geo_project(double u)
{
    return u >= 0 ? 0.5 * sqrt(1 + 3 * u) : 1 - 0.5 * sqrt(1 - 3 * u);
}

static uint32_t geo_grid(double s)
{
    double cell = floor(s * (1 << GEO_LEVELS));
    double most = (double)((1 << GEO_LEVELS) - 1);
    return (uint32_t)(cell < 0 ? 0 : cell > most ? most : cell);
}

// Which face of the cube, and where on it.
static int geo_face(double longitude, double latitude, double* ret_u, double* ret_v)
{
    double phi = latitude * M_PI / 180;
    double theta = longitude * M_PI / 180;
    double p[3] = {cos(theta) * cos(phi), sin(theta) * cos(phi), sin(phi)};
    int axis = fabs(p[0]) > fabs(p[1]) ? 0 : 1;
    axis = fabs(p[axis]) > fabs(p[2]) ? axis : 2;
    int face = p[axis] < 0 ? axis + 3 : axis;
    static const struct {
        int u, v;
        double u_sign, v_sign;
    } faces[6] = {{1, 2, 1, 1}, {0, 2, -1, 1}, {0, 1, -1, -1},
                  {2, 1, 1, 1}, {2, 0, 1, -1}, {1, 0, -1, -1}};
    *ret_u = faces[face].u_sign * p[faces[face].u] / p[axis];
    *ret_v = faces[face].v_sign * p[faces[face].v] / p[axis];
    return face;
}

static uint64_t geo_cell(int face, uint32_t i, uint32_t j)
{
    static const uint8_t positions[4][4] = {{0, 1, 3, 2}, {0, 3, 1, 2}, {2, 3, 1, 0}, {2, 1, 3, 0}};
    static const uint8_t turns[4] = {1, 0, 0, 3};
    unsigned orientation = face & 1;
    uint64_t id = (uint64_t)face;
    for (int level = GEO_LEVELS - 1; level >= 0; level--) {
        unsigned ij = (i >> level & 1) << 1 | (j >> level & 1);
        unsigned position = positions[orientation][ij];
        id = id << 2 | position;
        orientation ^= turns[position];
    }
    return id << 1 | 1;
}

bool mc_geo_point_cell(const char* json, size_t len, uint64_t* ret_cell)
{
    char text[GEO_TEXT_MAX + 1];
    if (len > GEO_TEXT_MAX) {
        return false;
    }
    memcpy(text, json, len);
    text[len] = 0;
    const char* type = geo_member(text, "\"type\"");
    const char* at = geo_member(text, "\"coordinates\"");
    if (!type || strncmp(type, "\"Point\"", 7) || !at || *at != '[') {
        return false;
    }
    char* end;
    double longitude = strtod(at + 1, &end);
    end += strspn(end, " \t");
    double latitude = *end == ',' ? strtod(end + 1, NULL) : 0;
    double u, v;
    int face = geo_face(longitude, latitude, &u, &v);
    *ret_cell = geo_cell(face, geo_grid(geo_project(u)), geo_grid(geo_project(v)));
    return true;
}
