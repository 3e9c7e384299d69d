// The official client does to a cluster what Tendril's users do. The same checks hold for the mini
// cluster and for a real one:  node interop.mjs HOST:PORT,...  [CONTROL_PORT]
// With a control port (mini cluster only) a node is killed and restarted under load as well.
import assert from 'node:assert/strict'
import net from 'node:net'
import { once } from 'node:events'
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Aerospike from 'aerospike'

const { status, policy, operations: op, lists, maps, Key } = Aerospike
const hosts = process.argv[2].split(',').map((text) => {
  const colon = text.lastIndexOf(':')
  return { addr: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
})
const controlPort = Number(process.argv[3] || 0)
const exchangeProgram = process.env.EXCHANGE // Tendril's half of what both write and read
const set = `interop-${process.pid}`
const tests = []
let client

function test (name, run) {
  tests.push({ name, run })
}

function key (name) {
  return new Key('test', set, name)
}

async function fails (code, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, `status ${error.code} (${error.message}), not ${code}`)
    return true
  })
}

// The sum of a counter over all nodes' statistics.
async function statistic (name) {
  const replies = await client.infoAll('statistics')
  return replies.reduce((sum, { info }) => {
    const match = new RegExp(`[\\t;]${name}=(\\d+)`).exec(info)
    return sum + Number(match ? match[1] : 0)
  }, 0)
}

// ---- values -------------------------------------------------------------------------------------

test('every kind of value comes back as it went', async () => {
  const point = new Aerospike.GeoJSON({ type: 'Point', coordinates: [1.0, 2.0] })
  const bins = {
    int: -2,
    big: 9223372036854775807n,
    small: -9223372036854775808n,
    double: new Aerospike.Double(1.5),
    string: 'hi',
    empty: '',
    utf8: 'caf\u00e9 \u{1F600}',
    bytes: Buffer.from([0, 1, 2, 255]),
    yes: true,
    no: false,
    list: [1, 'x', 2.5, [true, Buffer.from('b')]],
    map: { k: 7, l: [1] },
    geo: point
  }
  await client.put(key('values'), bins)
  const record = await client.get(key('values'))
  assert.equal(record.gen, 1)
  const got = record.bins
  assert.deepEqual(Object.keys(got).sort(), Object.keys(bins).sort())
  assert.equal(got.double, 1.5)
  assert.deepEqual(JSON.parse(got.geo), { type: 'Point', coordinates: [1.0, 2.0] })
  for (const name of ['int', 'big', 'small', 'string', 'empty', 'utf8', 'bytes', 'yes', 'no',
    'list', 'map']) {
    assert.deepEqual(got[name], bins[name], name)
  }
})

test('keys of every type are different records', async () => {
  const keys = ['1', 1, Buffer.from('1')]
  for (const [index, name] of keys.entries()) {
    await client.put(key(name), { index })
  }
  for (const [index, name] of keys.entries()) {
    assert.equal((await client.get(key(name))).bins.index, index)
  }
})

test('a bin of null is removed, and the last one takes the record along', async () => {
  await client.put(key('null'), { a: 1, b: 2 })
  await client.put(key('null'), { a: null })
  assert.deepEqual((await client.get(key('null'))).bins, { b: 2 })
  await client.put(key('null'), { b: null })
  assert.equal(await client.exists(key('null')), false)
})

// ---- commands -----------------------------------------------------------------------------------

test('missing records', async () => {
  await fails(status.ERR_RECORD_NOT_FOUND, client.get(key('missing')))
  await fails(status.ERR_RECORD_NOT_FOUND, client.select(key('missing'), ['a']))
  await fails(status.ERR_RECORD_NOT_FOUND, client.remove(key('missing')))
  await fails(status.ERR_RECORD_NOT_FOUND, client.operate(key('missing'), [op.touch(100)]))
  await fails(status.ERR_RECORD_NOT_FOUND, client.operate(key('missing'), [op.read('a')]))
  assert.equal(await client.exists(key('missing')), false)
})

test('select, exists, remove', async () => {
  await client.put(key('select'), { a: 1, b: 2, c: 3 })
  assert.deepEqual((await client.select(key('select'), ['a', 'c', 'zz'])).bins, { a: 1, c: 3 })
  assert.deepEqual((await client.select(key('select'), ['zz'])).bins, {})
  assert.equal(await client.exists(key('select')), true)
  await client.remove(key('select'))
  assert.equal(await client.exists(key('select')), false)
})

test('operate', async () => {
  const k = key('operate')
  let record = await client.operate(k, [op.write('s', 'ab'), op.incr('i', 5), op.read('i')])
  assert.equal(record.bins.i, 5)
  record = await client.operate(k, [op.incr('i', 2), op.append('s', 'cd'), op.prepend('s', '__'),
    op.read('i'), op.read('s')])
  assert.deepEqual([record.bins.i, record.bins.s, record.gen], [7, '__abcd', 2])
  record = await client.operate(k, [op.incr('d', new Aerospike.Double(1.25))])
  record = await client.operate(k, [op.incr('d', new Aerospike.Double(1.25)), op.read('d')])
  assert.equal(record.bins.d, 2.5)
  record = await client.operate(k, [op.append('b', Buffer.from('xy'))])
  record = await client.operate(k, [op.append('b', Buffer.from('z')), op.read('b')])
  assert.deepEqual(record.bins.b, Buffer.from('xyz'))
  record = await client.operate(k, [op.read('i'), op.read('none')])
  assert.equal(record.bins.i, 7)
  assert.equal(record.gen, 6)
  record = await client.operate(k, [op.touch(0)])
  assert.equal(record.gen, 7)
  await client.operate(k, [op.delete()])
  assert.equal(await client.exists(k), false)
})

test('an operation that does not fit changes nothing', async () => {
  const k = key('unfit')
  await client.put(k, { i: 1, s: 'x' })
  await fails(status.ERR_BIN_INCOMPATIBLE_TYPE,
    client.operate(k, [op.write('s', 'changed'), op.append('i', 'text')]))
  await fails(status.ERR_BIN_INCOMPATIBLE_TYPE, client.operate(k, [op.incr('s', 1)]))
  await fails(status.ERR_BIN_INCOMPATIBLE_TYPE,
    client.operate(k, [op.incr('i', new Aerospike.Double(1.5))]))
  const record = await client.get(k)
  assert.deepEqual(record.bins, { i: 1, s: 'x' })
  assert.equal(record.gen, 1)
})

// ---- lists and maps -----------------------------------------------------------------------------

// Runs operations one command each, on bin b of a fresh record that holds `before`.
async function each (before, cases) {
  for (const [operation, result, after] of cases) {
    const k = key('cdt')
    await client.put(k, { b: before, x: 1 }, null, exists('CREATE_OR_REPLACE'))
    const note = JSON.stringify(operation)
    assert.deepEqual((await client.operate(k, [operation])).bins.b, result, note)
    assert.deepEqual((await client.get(k)).bins.b, after === undefined ? before : after, note)
  }
}

test('list operations', async () => {
  const type = lists.returnType
  await each([4, 1, 3, 1], [
    [lists.append('b', 5), 5, [4, 1, 3, 1, 5]],
    [lists.appendItems('b', ['x', [2]]), 6, [4, 1, 3, 1, 'x', [2]]],
    [lists.insert('b', -1, 9), 5, [4, 1, 3, 9, 1]],
    [lists.insertItems('b', 0, [7, 8]), 6, [7, 8, 4, 1, 3, 1]],
    [lists.set('b', 5, 'end'), undefined, [4, 1, 3, 1, null, 'end']],
    [lists.increment('b', 0, 10), 14, [14, 1, 3, 1]],
    [lists.pop('b', 0), 4, [1, 3, 1]],
    [lists.popRange('b', 1, 2), [1, 3], [4, 1]],
    [lists.remove('b', -1), 1, [4, 1, 3]],
    [lists.removeRange('b', 1), 3, [4]],
    [lists.trim('b', 1, 2), 2, [1, 3]],
    [lists.sort('b', lists.sortFlags.DROP_DUPLICATES), undefined, [1, 3, 4]],
    [lists.setOrder('b', lists.order.ORDERED), undefined, [1, 1, 3, 4]],
    [lists.clear('b'), undefined, []],
    [lists.size('b'), 4],
    [lists.get('b', 2), 3],
    [lists.getRange('b', 2), [3, 1]],
    [lists.getByIndex('b', -1, type.VALUE), 1],
    [lists.getByIndexRange('b', 1, 2, type.VALUE), [1, 3]],
    [lists.getByRank('b', -1, type.VALUE), 4],
    [lists.getByValue('b', 1, type.INDEX), [1, 3]],
    [lists.getByValue('b', 1, type.REVERSE_RANK), [2, 3]],
    [lists.getByValue('b', 1, type.VALUE).invertSelection(), [4, 3]],
    [lists.getByValueList('b', [1, 4], type.COUNT), 3],
    [lists.getByValueRange('b', 2, 9, type.VALUE), [4, 3]],
    [lists.removeByValue('b', 1, type.COUNT), 2, [4, 3]],
    [lists.removeByRankRange('b', 0, 2, type.NONE), undefined, [4, 3]],
    [lists.removeByIndex('b', 1, type.VALUE), 1, [4, 3, 1]]
  ])
  await each([1, [2, 3]], [
    [lists.append('b', 5).withContext(ctx => ctx.addListIndex(-1)), 3, [1, [2, 3, 5]]]
  ])
  const k = key('cdt')
  await client.put(k, { l: [1], s: 'x' })
  await fails(status.ERR_BIN_INCOMPATIBLE_TYPE, client.operate(k, [lists.size('s')]))
  await fails(status.ERR_OP_NOT_APPLICABLE, client.operate(k, [lists.get('l', 9)]))
  const unique = new Aerospike.ListPolicy({ writeFlags: lists.writeFlags.ADD_UNIQUE })
  await fails(status.ERR_FAIL_ELEMENT_EXISTS, client.operate(k, [lists.append('l', 1, unique)]))
})

test('map operations', async () => {
  const type = maps.returnType
  await each({ a: 3, b: 1, c: 2 }, [
    [maps.put('b', 'd', [1]), 4, { a: 3, b: 1, c: 2, d: [1] }],
    [maps.putItems('b', { a: 9, z: 0 }), 4, { a: 9, b: 1, c: 2, z: 0 }],
    [maps.increment('b', 'a', 10), 13, { a: 13, b: 1, c: 2 }],
    [maps.decrement('b', 'new', 4), -4, { a: 3, b: 1, c: 2, new: -4 }],
    [maps.size('b'), 3],
    [maps.getByKey('b', 'a', type.VALUE), 3],
    [maps.getByKey('b', 'zz', type.VALUE), null],
    [maps.getByKey('b', 'b', type.RANK), 0],
    [maps.getByKeyRange('b', 'a', 'c', type.KEY), ['a', 'b']],
    [maps.getByKeyList('b', ['c', 'a'], type.VALUE), [3, 2]],
    [maps.getByIndex('b', -1, type.KEY), 'c'],
    [maps.getByIndexRange('b', 1, 2, type.KEY_VALUE), ['b', 1, 'c', 2]],
    [maps.getByRank('b', -1, type.KEY), 'a'],
    [maps.getByRankRange('b', 0, 2, type.KEY), ['b', 'c']],
    [maps.getByValue('b', 2, type.KEY), ['c']],
    [maps.getByValueRange('b', 2, 9, type.COUNT), 2],
    [maps.removeByKey('b', 'a', type.VALUE), 3, { b: 1, c: 2 }],
    [maps.removeByRank('b', 0, type.KEY), 'b', { a: 3, c: 2 }],
    [maps.removeByValueRange('b', 1, 3, type.KEY), ['b', 'c'], { a: 3 }],
    [maps.removeByIndexRange('b', 0, 2, type.COUNT), 2, { c: 2 }]
  ])
  const k = key('cdt')
  await client.put(k, { m: { a: 1 }, s: 'x' })
  const flags = maps.writeFlags
  const writing = (writeFlags) => new Aerospike.MapPolicy({ writeFlags })
  await fails(status.ERR_FAIL_ELEMENT_EXISTS,
    client.operate(k, [maps.put('m', 'a', 2, writing(flags.CREATE_ONLY))]))
  await fails(status.ERR_FAIL_ELEMENT_NOT_FOUND,
    client.operate(k, [maps.put('m', 'b', 2, writing(flags.UPDATE_ONLY))]))
  await fails(status.ERR_BIN_INCOMPATIBLE_TYPE, client.operate(k, [maps.size('s')]))
  await fails(status.ERR_OP_NOT_APPLICABLE,
    client.operate(k, [maps.getByIndex('m', 5, type.KEY)]))
})

// ---- both clients -------------------------------------------------------------------------------

async function exchange (what, name) {
  const servers = hosts.map(({ addr, port }) => `${addr}:${port}`).join(',')
  const { stdout } = await promisify(execFile)(exchangeProgram, [servers, what, 'test', set, name])
  return Object.fromEntries(stdout.split('\n').filter(Boolean).map((line) => {
    const at = line.indexOf('=')
    return [line.slice(0, at), line.slice(at + 1)]
  }))
}

async function readsOurs () {
  await exchange('put', 'ours')
  const { bins } = await client.get(key('ours'))
  assert.deepEqual(JSON.parse(bins.geo), { type: 'Point', coordinates: [1.0, 2.0] })
  delete bins.geo
  assert.deepEqual(bins, {
    list: [1, 'x', 2.5, [true, Buffer.from('b'), null], { k: [] }],
    map: { a: -2, b: 1 },
    ordered: { y: -2, z: 1 },
    blob: Buffer.from([0, 1, 255]),
    double: 0.1,
    yes: true,
    big: 9223372036854775807n,
    small: -9223372036854775808n,
    long: 'y'.repeat(100000),
    utf8: 'caf\u00e9 \u{1F600}',
    empty: ''
  })
}

async function isRead () {
  await client.put(key('theirs'), {
    list: [1, 'x', 2.5, [true, Buffer.from('b'), null], { k: [] }],
    map: { b: 1, a: { c: [-1, 9007199254740993n] } },
    blob: Buffer.from([0, 1, 255]),
    double: new Aerospike.Double(3),
    no: false,
    big: 9223372036854775807n,
    long: 'z'.repeat(70000),
    utf8: 'caf\u00e9',
    geo: new Aerospike.GeoJSON({ type: 'Point', coordinates: [1.5, 2.5] })
  })
  await client.operate(key('theirs'), [
    maps.setPolicy('ordered', new Aerospike.MapPolicy({ order: maps.order.KEY_ORDERED })),
    maps.putItems('ordered', { z: 1, y: [2] })
  ])
  const { geo, ...bins } = await exchange('get', 'theirs')
  assert.deepEqual(JSON.parse(geo.slice(1, -1)), { type: 'Point', coordinates: [1.5, 2.5] })
  assert.deepEqual(bins, {
    list: '[1, "x", 2.5, [true, 62, NIL], {"k":[]}]',
    map: '{"a":{"c":[-1, 9007199254740993]}, "b":1}',
    ordered: '{"y":[2], "z":1}',
    blob: '00 01 FF',
    double: '3',
    no: 'false',
    big: '9223372036854775807',
    long: '70002 characters',
    utf8: '"caf\u00e9"'
  })
}

async function changesTheSame () {
  const k = key('shared')
  await client.operate(k, [lists.appendItems('l', [1, 2]), maps.put('m', 'n', 1)])
  const results = await exchange('operate', 'shared')
  // Of several results of one bin the last is left here.
  assert.deepEqual(results, { l: '"first"', m: '["n", "ours"]' })
  const { bins } = await client.get(k)
  assert.deepEqual(bins.l, ['first', 1, 2, 3])
  assert.deepEqual(bins.m,
    { n: 6, ours: [1, 'x', 2.5, [true, Buffer.from('b'), null], { k: [] }] })
}

if (exchangeProgram) {
  test('what Tendril writes is read', readsOurs)
  test('what is written Tendril reads', isRead)
  test('both change one list and one map', changesTheSame)
}

// ---- policies -----------------------------------------------------------------------------------

function exists (how) {
  return new Aerospike.WritePolicy({ exists: policy.exists[how] })
}

test('exists policies', async () => {
  const k = key('exists')
  await fails(status.ERR_RECORD_NOT_FOUND, client.put(k, { a: 1 }, null, exists('UPDATE')))
  await fails(status.ERR_RECORD_NOT_FOUND, client.put(k, { a: 1 }, null, exists('REPLACE')))
  await client.put(k, { a: 1 }, null, exists('CREATE'))
  await fails(status.ERR_RECORD_EXISTS, client.put(k, { a: 1 }, null, exists('CREATE')))
  await client.put(k, { b: 2 }, null, exists('UPDATE'))
  assert.deepEqual((await client.get(k)).bins, { a: 1, b: 2 })
  await client.put(k, { c: 3 }, null, exists('REPLACE'))
  assert.deepEqual((await client.get(k)).bins, { c: 3 })
  await client.put(k, { d: 4 }, null, exists('CREATE_OR_REPLACE'))
  assert.deepEqual((await client.get(k)).bins, { d: 4 })
})

test('generation policies', async () => {
  const k = key('generation')
  const equal = new Aerospike.WritePolicy({ gen: policy.gen.EQ })
  const greater = new Aerospike.WritePolicy({ gen: policy.gen.GT })
  await client.put(k, { a: 1 })
  await client.put(k, { a: 2 }, { gen: 1 }, equal)
  await fails(status.ERR_RECORD_GENERATION, client.put(k, { a: 3 }, { gen: 1 }, equal))
  await fails(status.ERR_RECORD_GENERATION, client.put(k, { a: 3 }, { gen: 2 }, greater))
  await client.put(k, { a: 3 }, { gen: 3 }, greater)
  assert.equal((await client.get(k)).gen, 3)
  const remove = (generation) => client.remove(k,
    new Aerospike.RemovePolicy({ gen: policy.gen.EQ, generation }))
  await fails(status.ERR_RECORD_GENERATION, remove(9))
  await remove(3)
})

// What has no event is looked at now and then, for 15 seconds at most.
async function until (what, condition) {
  for (const end = Date.now() + 15000; !(await condition());) {
    assert.ok(Date.now() < end, `${what}: not after 15 s`)
    await sleep(50)
  }
}

test('times to live', async () => {
  const k = key('ttl')
  const ttl = async () => (await client.get(k)).ttl
  await client.put(k, { a: 1 }, { ttl: 100 })
  assert.ok(await ttl() > 95 && await ttl() <= 100)
  await client.put(k, { a: 1 }, { ttl: Aerospike.ttl.DONT_UPDATE })
  assert.ok(await ttl() > 95)
  await client.put(k, { a: 1 }, { ttl: Aerospike.ttl.NEVER_EXPIRE })
  assert.equal(await ttl(), Aerospike.ttl.NEVER_EXPIRE)
  await client.operate(k, [op.touch(1000)])
  assert.ok(await ttl() > 990)
  await fails(status.ERR_REQUEST_INVALID, client.put(k, { a: 1 }, { ttl: 315360001 }))
  await client.put(k, { a: 1 }, { ttl: 1 })
  await until('the record has expired', () =>
    client.get(k).then(() => false, error => error.code === status.ERR_RECORD_NOT_FOUND))
  await client.put(k, { b: 1 }, null, exists('CREATE'))
  assert.deepEqual((await client.get(k)).bins, { b: 1 })
})

test('a stored key is compared', async () => {
  const send = new Aerospike.WritePolicy({ key: policy.key.SEND })
  const k = key('stored')
  await client.put(k, { a: 1 }, null, send)
  await client.put(k, { a: 2 }, null, send)
  assert.equal((await client.get(k)).bins.a, 2)
})

test('limits', async () => {
  await fails(status.ERR_RECORD_TOO_BIG, client.put(key('big'), { a: Buffer.alloc(1048577) }))
  await client.put(key('big'), { a: Buffer.alloc(1048000, 1) })
  assert.equal((await client.get(key('big'))).bins.a.length, 1048000)
  await client.put(key('long'), { fifteen_letters: 1 })
  await assert.rejects(client.put(key('long'), { sixteen__letters: 1 }))
  await fails(status.ERR_NAMESPACE_NOT_FOUND, client.put(new Key('nosuch', set, 'a'), { a: 1 }))
  const durable = new Aerospike.RemovePolicy({ durableDelete: true })
  await fails(status.ERR_ENTERPRISE_ONLY, client.remove(key('long'), durable))
})

// ---- batches ------------------------------------------------------------------------------------

test('batches of every kind of row', async () => {
  const { batchType: type } = Aerospike
  const keys = Array.from({ length: 40 }, (_, i) => key(`batch-${i}`))
  const written = await client.batchWrite(keys.map((k, i) => (
    { type: type.BATCH_WRITE, key: k, ops: [op.write('n', i), op.write('s', 'x')] })))
  assert.ok(written.every(row => row.status === 0))
  const mixed = await client.batchWrite([
    { type: type.BATCH_READ, key: keys[0], readAllBins: true },
    { type: type.BATCH_READ, key: keys[1], bins: ['n'] },
    { type: type.BATCH_WRITE, key: keys[2], ops: [op.incr('n', 10), op.read('n')] },
    { type: type.BATCH_REMOVE, key: keys[3] },
    { type: type.BATCH_READ, key: keys[3], readAllBins: true },
    { type: type.BATCH_READ, key: key('batch-none'), readAllBins: true }
  ])
  assert.deepEqual(mixed[0].record.bins, { n: 0, s: 'x' })
  assert.deepEqual(mixed[1].record.bins, { n: 1 })
  assert.equal(mixed[2].record.bins.n, 12)
  assert.equal(mixed[3].status, 0)
  assert.equal(mixed[5].status, status.ERR_RECORD_NOT_FOUND)
  const read = await client.batchGet(keys)
  assert.equal(read.filter(row => row.status === 0).length, keys.length - 1)
  const there = await client.batchExists(keys)
  assert.equal(there.filter(row => row.status === 0).length, keys.length - 1)
  await client.batchRemove(keys)
})

// ---- UDFs ---------------------------------------------------------------------------------------

test('a package of functions, and calls', async () => {
  const call = (funcname, ...args) => client.apply(key('udf'), { module: 'rec', funcname, args })
  await client.udfRegister('rec.lua')
  assert.equal(await call('add', 2, 3, -10), -5)
  const value = [1, 'x', 2.5, [true, Buffer.from('b')], { k: [7] }]
  assert.deepEqual(await call('echo', value), value)
  assert.equal(await call('echo'), null)
  assert.equal(await call('create_record', 'a', { k: 1 }), 0)
  assert.equal(await call('create_record', 'a', 2), 1)
  assert.deepEqual(await call('get_bin', 'a'), { k: 1 })
  assert.equal(await call('put_bin', 'b', 7), 0)
  const { bins, gen } = await client.get(key('udf'))
  assert.deepEqual([bins, gen], [{ a: { k: 1 }, b: 7 }, 2])
  await assert.rejects(call('fail', 'the disc is worn'), ({ code, message }) => {
    assert.equal(code, status.ERR_UDF)
    assert.match(message, /the disc is worn/)
    return true
  })
  await fails(status.ERR_UDF, call('none'))
  await fails(status.ERR_UDF, client.apply(key('udf'), { module: 'none', funcname: 'echo', args: [] }))
  assert.equal(await call('remove_record'), 0)
  assert.equal(await client.exists(key('udf')), false)
})

test('functions in batches', async () => {
  const keys = Array.from({ length: 10 }, (_, i) => key(`udf-${i}`))
  const apply = (funcname, args) => client.batchApply(keys, { module: 'rec', funcname, args })
  const put = await apply('put_bin', ['n', 5])
  assert.ok(put.every(row => row.status === 0))
  const got = await apply('get_bin', ['n'])
  assert.deepEqual(got.map(row => row.record.bins.SUCCESS), keys.map(() => 5))
  await fails(-16, apply('fail', ['worn'])) // its rows aren't passed on
  await client.batchRemove(keys)
})

// ---- routing ------------------------------------------------------------------------------------

test('every command reaches the right node', async () => {
  const before = await statistic('client_proxy_complete')
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const k = key(`route-${round}-${i}`)
      await client.put(k, { round, i })
      assert.equal((await client.get(k)).bins.i, i)
    }))
  }
  assert.equal(await statistic('client_proxy_complete') - before, 0)
})

// ---- a node dies and returns (mini cluster only) ------------------------------------------------

async function control (line) {
  const socket = net.connect(controlPort, '127.0.0.1')
  socket.setEncoding('utf8')
  socket.write(line + '\n')
  let answer = ''
  while (!/(^|\n)(ok|error: .*)\n$/.test(answer)) {
    answer += (await once(socket, 'data'))[0]
  }
  socket.destroy()
  assert.match(answer, /ok\n$/, line)
  return answer
}

const untilNodes = count => until(`${count} nodes`, async () => client.getNodes().length === count)

// The client itself retries at once, and so has used up its retries long before a dead node's
// partitions have an owner again.
async function insist (run) {
  for (const end = Date.now() + 8000; ;) {
    try {
      return await run()
    } catch (error) {
      if (Date.now() > end) {
        throw error
      }
      await sleep(50)
    }
  }
}

async function survivesDeath () {
  const write = new Aerospike.WritePolicy({ totalTimeout: 300 })
  const read = new Aerospike.ReadPolicy({ totalTimeout: 300 })
  const written = new Map()
  let running = true
  let rounds = 0
  const loadGoesOn = () => {
    const wanted = rounds + 400
    return until('the load goes on', async () => rounds >= wanted)
  }
  const load = Promise.all(Array.from({ length: 16 }, async (_, worker) => {
    for (let i = 0; running; i = (i + 1) % 100) {
      const k = key(`load-${worker}-${i}`)
      const value = (written.get(k.key) || 0) + 1
      await insist(() => client.put(k, { value }, null, write))
      written.set(k.key, value)
      assert.equal((await insist(() => client.get(k, read))).bins.value, value)
      rounds++
    }
  }))
  load.catch(() => { running = false })
  await loadGoesOn()
  await control('kill 1')
  await untilNodes(hosts.length - 1)
  await loadGoesOn()
  await control('restart 1')
  await untilNodes(hosts.length)
  await until('migrations are over', async () => /migrations=0\n/.test(await control('stats')))
  await loadGoesOn()
  running = false
  await load
  for (const [name, value] of written) {
    assert.equal((await client.get(key(name), read)).bins.value, value)
  }
}

if (controlPort) {
  test('acknowledged writes survive the death and return of a node', survivesDeath)
}

// ---- run ----------------------------------------------------------------------------------------

// A busy machine is no failure.
const patience = { totalTimeout: 10000, socketTimeout: 0 }
client = await Aerospike.connect({
  hosts,
  log: { level: Aerospike.log.OFF },
  tenderInterval: 250,
  policies: {
    read: new Aerospike.ReadPolicy(patience),
    write: new Aerospike.WritePolicy(patience),
    remove: new Aerospike.RemovePolicy(patience),
    operate: new Aerospike.OperatePolicy(patience)
  }
})
let failed = 0
for (const { name, run } of tests) {
  try {
    await run()
    console.log(`ok    ${name}`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}\n${error.stack}`)
  }
}
client.close()
console.log(`${tests.length - failed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
