-- The functions of the mini cluster's package `rec` (udf.c) for a real server. A change here is one
-- there; tests/integration/test_udf.c compares what they do.

local function save(r)
    if aerospike:exists(r) then
        return aerospike:update(r)
    end
    return aerospike:create(r)
end

function echo(r, value) return value end

function add(r, ...)
    local sum = 0
    for i = 1, select('#', ...) do
        sum = sum + (select(i, ...))
    end
    return sum
end

-- nil if it isn't there.
function get_bin(r, name) return r[name] end

-- Makes the record if need be; nil drops the bin.
function put_bin(r, name, value)
    r[name] = value
    return save(r)
end

-- 0, or 1 if there is such a record: nothing is changed then.
function create_record(r, name, value)
    if aerospike:exists(r) then
        return 1
    end
    r[name] = value
    return aerospike:create(r)
end

-- 0, or 1 if there is none.
function remove_record(r) return aerospike:remove(r) end

-- Level 0: without the place in front.
function fail(r, text) error(text, 0) end
