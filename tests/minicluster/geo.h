// GeoJSON as far as bins need it: is it one, and the cell of a point.
#ifndef MC_GEO_H
#define MC_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether the text is a JSON object whose type is one that the server indexes.
bool mc_geo_is_valid(const char* json, size_t len);
// The S2 leaf cell of a point. False for other shapes.
bool mc_geo_point_cell(const char* json, size_t len, uint64_t* ret_cell);

#endif
