#!lua
-- The functions that write to the store, each of which is atomic. ARGV[1] is the name of the function to call. All keys
-- begin with the prefix KEYS[1]. T is a token, R a receiver, W a worker.
--
-- accounts  hash token -> account          opened    zset of tokens, in order     used    zset of tokens by last use
-- tasks     hash id -> task                tasks:T   list of the account's task ids
-- clocks    hash token -> frozen, or the shift in seconds
-- delivery:ID  hash token, receiver, data, due, wakes, worker, begun, interruptions; an empty text stands for no value
-- deliveries:T  list of the account's ids  due:T     zset of the account's ids by due time on its clock, if finite
-- queue:T\nR   zset of the ids of an account and a receiver that any worker may lease, by `wakes`
-- wakes     zset of the queues by the first `wakes` in each, on the server's clock
-- workers   zset of the workers by the time until which they count as alive
-- leased:W  set of the ids that a worker has leased      attempting:T  set of the leased ids of an account
-- journal:T, violations:T  lists           counts:T  hash exchanges, violations (ever recorded), bytes (in the list)
-- facts     hash name -> fact              version   number of calls of this script

local p = KEYS[1]
local call = redis.call
local commands = {}

local function wakes_of(token, due)
    if due == '' or due == 'inf' then return '' end
    local clock = call('HGET', p .. 'clocks', token)
    if not clock then return due end
    if clock == 'frozen' then return '' end
    return string.format('%.17g', tonumber(due) - tonumber(clock))
end

-- Put a delivery into the queue of its account and receiver, or, without an instant, take it out.
local function offer(id, token, receiver, wakes)
    local name = token .. '\n' .. receiver
    local queue = p .. 'queue:' .. name
    if wakes == '' then call('ZREM', queue, id) else call('ZADD', queue, wakes, id) end
    local first = call('ZRANGE', queue, 0, 0, 'WITHSCORES')
    if first[1] then call('ZADD', p .. 'wakes', first[2], name) else call('ZREM', p .. 'wakes', name) end
end

local function plan(id, token, receiver, due, worker)
    local wakes = wakes_of(token, due)
    call('HSET', p .. 'delivery:' .. id, 'due', due, 'wakes', wakes)
    if due == '' or due == 'inf' then call('ZREM', p .. 'due:' .. token, id)
    else call('ZADD', p .. 'due:' .. token, due, id) end
    if worker == '' then offer(id, token, receiver, wakes) end
end

local function add_delivery(id, token, data, receiver, due)
    call('HSET', p .. 'delivery:' .. id, 'token', token, 'receiver', receiver, 'data', data, 'worker', '',
        'begun', '', 'interruptions', 0)
    call('RPUSH', p .. 'deliveries:' .. token, id)
    plan(id, token, receiver, due, '')
end

local function set_clock(token, clock)
    if clock == '0.0' then call('HDEL', p .. 'clocks', token) else call('HSET', p .. 'clocks', token, clock) end
    for _, id in ipairs(call('ZRANGE', p .. 'due:' .. token, 0, -1)) do
        local receiver, due, worker = unpack(call('HMGET', p .. 'delivery:' .. id, 'receiver', 'due', 'worker'))
        plan(id, token, receiver, due, worker)
    end
end

local function open(token, data, wall)
    call('HSET', p .. 'accounts', token, data)
    call('ZADD', p .. 'used', wall, token)
    call('ZADD', p .. 'opened', 'NX', call('INCR', p .. 'number'), token)
end

-- Returns 1 after the change, 0 if the id of the task is taken, or the account's data if they differ from `before`, empty
-- if the account does not exist.
local function change(first)
    local token, before, after, wall, clock, id, task, replaces, data, receiver, due, move =
        unpack(ARGV, first, first + 11)
    local current = call('HGET', p .. 'accounts', token) or ''
    if current ~= before then return current end
    if id ~= '' and replaces == '' and call('HEXISTS', p .. 'tasks', id) == 1 then return 0 end
    if current == '' then open(token, after, wall)
    elseif after ~= before then
        call('HSET', p .. 'accounts', token, after)
        call('ZADD', p .. 'used', wall, token)
    end
    if clock ~= '' then set_clock(token, clock) end
    if id == '' then return 1 end
    if replaces == '' then call('RPUSH', p .. 'tasks:' .. token, id) end
    if replaces == '' or call('HEXISTS', p .. 'tasks', id) == 1 then call('HSET', p .. 'tasks', id, task) end
    if data ~= '' then add_delivery(id, token, data, receiver, due) end
    if move ~= '' then
        local to, worker = unpack(call('HMGET', p .. 'delivery:' .. id, 'receiver', 'worker'))
        if worker == '' then plan(id, token, to, move, worker) end
    end
    return 1
end

function commands.change()
    return change(2)
end

-- Make several changes, one after the other. Returns the reply to each, or its error.
function commands.changes()
    local replies = {}
    for first = 2, #ARGV, 12 do
        local is_done, reply = pcall(change, first)
        if not is_done and type(reply) ~= 'table' then reply = {err = tostring(reply)} end
        replies[#replies + 1] = reply
    end
    return replies
end

local function drop_delivery(id, token)
    local receiver, worker = unpack(call('HMGET', p .. 'delivery:' .. id, 'receiver', 'worker'))
    if worker ~= '' then call('SREM', p .. 'leased:' .. worker, id) end
    offer(id, token, receiver, '')
    for _, name in ipairs({'due', 'attempting'}) do
        call(name == 'due' and 'ZREM' or 'SREM', p .. name .. ':' .. token, id)
    end
    call('DEL', p .. 'delivery:' .. id)
end

local function drop(token)
    for _, id in ipairs(call('LRANGE', p .. 'deliveries:' .. token, 0, -1)) do drop_delivery(id, token) end
    local ids = call('LRANGE', p .. 'tasks:' .. token, 0, -1)
    for first = 1, #ids, 1000 do
        call('HDEL', p .. 'tasks', unpack(ids, first, math.min(first + 999, #ids)))
    end
    for _, name in ipairs({'tasks', 'deliveries', 'due', 'attempting', 'journal', 'violations', 'counts'}) do
        call('UNLINK', p .. name .. ':' .. token)
    end
    for _, name in ipairs({'accounts', 'clocks'}) do call('HDEL', p .. name, token) end
    for _, name in ipairs({'opened', 'used'}) do call('ZREM', p .. name, token) end
end

function commands.drop()
    drop(ARGV[2])
end

-- Drop the last tasks of an account with their deliveries. Returns the number of the remaining tasks.
function commands.drop_some()
    local token, count = unpack(ARGV, 2, 3)
    local tasks, deliveries = p .. 'tasks:' .. token, p .. 'deliveries:' .. token
    local are_dropped = {}
    for _, id in ipairs(call('RPOP', tasks, count) or {}) do
        call('HDEL', p .. 'tasks', id)
        are_dropped[id] = true
    end
    while are_dropped[call('LINDEX', deliveries, -1) or ''] do drop_delivery(call('RPOP', deliveries), token) end
    return call('LLEN', tasks)
end

-- Add the tasks and deliveries in ARGV from the index `first` on. If one of the ids is taken, add none and return 0.
local function add(first, token, tasks, deliveries)
    local last = first - 1 + 2 * tasks
    for place = first, last, 2 do
        if call('HEXISTS', p .. 'tasks', ARGV[place]) == 1 then return 0 end
    end
    for place = first, last, 2 do
        call('HSET', p .. 'tasks', ARGV[place], ARGV[place + 1])
        call('RPUSH', p .. 'tasks:' .. token, ARGV[place])
    end
    for place = last + 1, last + 4 * deliveries, 4 do
        add_delivery(ARGV[place], token, ARGV[place + 1], ARGV[place + 2], ARGV[place + 3])
    end
    return 1
end

function commands.restore()
    local token, data, wall, clock, tasks, deliveries = unpack(ARGV, 2, 7)
    drop(token)
    open(token, data, wall)
    set_clock(token, clock)
    return add(8, token, tasks, deliveries)
end

function commands.add()
    local token, tasks, deliveries = unpack(ARGV, 2, 4)
    return add(5, token, tasks, deliveries)
end

local function lease(id, worker)
    local key = p .. 'delivery:' .. id
    local token, receiver, data, due, wakes, owner, interruptions =
        unpack(call('HMGET', key, 'token', 'receiver', 'data', 'due', 'wakes', 'worker', 'interruptions'))
    if owner ~= '' then return nil end  -- false if there is no such delivery
    call('HSET', key, 'worker', worker)
    offer(id, token, receiver, '')
    call('SADD', p .. 'leased:' .. worker, id)
    call('SADD', p .. 'attempting:' .. token, id)
    return {call('HGET', p .. 'accounts', token), data, due, interruptions, wakes}
end

local function lease_all(ids, worker, claims)
    for _, id in ipairs(ids) do claims[#claims + 1] = lease(id, worker) end
    return claims
end

-- Lease the deliveries that are due by the server's clock, up to `most` of each queue.
function commands.claim()
    local worker, now, most = unpack(ARGV, 2, 4)
    local claims = {}
    for place = 5, #ARGV do
        local ids = call('ZRANGEBYSCORE', p .. 'queue:' .. ARGV[place], '-inf', now, 'LIMIT', 0, most)
        lease_all(ids, worker, claims)
    end
    return claims
end

-- Lease the deliveries that are due by the clock of an account, if this clock is frozen.
function commands.claim_frozen()
    local worker, token, now = unpack(ARGV, 2, 4)
    if call('HGET', p .. 'clocks', token) ~= 'frozen' then return {} end
    return lease_all(call('ZRANGEBYSCORE', p .. 'due:' .. token, '-inf', now), worker, {})
end

function commands.claim_one()
    return lease_all({ARGV[3]}, ARGV[2], {})
end

local function is_leased(id, worker, data)
    local owner, current = unpack(call('HMGET', p .. 'delivery:' .. id, 'worker', 'data'))
    return owner == worker and current == data
end

local function unlease(id, token, worker)
    call('HSET', p .. 'delivery:' .. id, 'worker', '', 'begun', '')
    call('SREM', p .. 'leased:' .. worker, id)
    call('SREM', p .. 'attempting:' .. token, id)
end

function commands.begin()
    local worker, id, data = unpack(ARGV, 2, 4)
    if not is_leased(id, worker, data) then return 0 end
    call('HSET', p .. 'delivery:' .. id, 'begun', 1)
    return 1
end

function commands.release()
    local worker, id, data = unpack(ARGV, 2, 4)
    if not is_leased(id, worker, data) then return 0 end
    local token, receiver, wakes = unpack(call('HMGET', p .. 'delivery:' .. id, 'token', 'receiver', 'wakes'))
    unlease(id, token, worker)
    offer(id, token, receiver, wakes)
    return 1
end

function commands.conclude()
    local worker, id, before, after, due = unpack(ARGV, 2, 6)
    if not is_leased(id, worker, before) then return 0 end
    local token, receiver = unpack(call('HMGET', p .. 'delivery:' .. id, 'token', 'receiver'))
    unlease(id, token, worker)
    call('HSET', p .. 'delivery:' .. id, 'data', after, 'interruptions', 0)
    plan(id, token, receiver, due, '')
    return 1
end

-- End the leases of a worker. Other workers may attempt the deliveries at once, even if the account's clock is frozen.
local function end_leases(worker)
    for _, id in ipairs(call('SMEMBERS', p .. 'leased:' .. worker)) do
        local key = p .. 'delivery:' .. id
        local token, receiver, due, begun = unpack(call('HMGET', key, 'token', 'receiver', 'due', 'begun'))
        if begun ~= '' then call('HINCRBY', key, 'interruptions', 1) end
        unlease(id, token, worker)
        local wakes = (due == '' or due == 'inf') and '' or '0'
        call('HSET', key, 'wakes', wakes)
        offer(id, token, receiver, wakes)
    end
    call('ZREM', p .. 'workers', worker)
end

function commands.end_leases()
    end_leases(ARGV[2])
end

function commands.renew()
    local worker, now, alive_until = unpack(ARGV, 2, 4)
    call('ZADD', p .. 'workers', alive_until, worker)
    for _, dead in ipairs(call('ZRANGEBYSCORE', p .. 'workers', '-inf', '(' .. now)) do end_leases(dead) end
end

-- Append exchanges and violations to the journal of an account, and drop the oldest above the limits.
function commands.record()
    local token, wall, recorded, violated, most, most_bytes, most_violations, count = unpack(ARGV, 2, 9)
    if token ~= '' and call('HEXISTS', p .. 'accounts', token) == 0 then return 0 end
    local journal, violations, counts = p .. 'journal:' .. token, p .. 'violations:' .. token, p .. 'counts:' .. token
    local bytes = tonumber(call('HGET', counts, 'bytes') or 0)
    for place = 10, 9 + count do
        call('RPUSH', journal, ARGV[place])
        bytes = bytes + #ARGV[place]
    end
    local length = call('LLEN', journal)
    while length > tonumber(most) or (bytes > tonumber(most_bytes) and length > 1) do
        bytes = bytes - #call('LPOP', journal)
        length = length - 1
    end
    for place = 10 + count, #ARGV do call('RPUSH', violations, ARGV[place]) end
    call('LTRIM', violations, -most_violations, -1)
    call('HSET', counts, 'bytes', bytes)
    call('HINCRBY', counts, 'exchanges', recorded)
    call('HINCRBY', counts, 'violations', violated)
    if token ~= '' then call('ZADD', p .. 'used', wall, token) end
    return 1
end

function commands.clear_journal()
    for _, name in ipairs({'journal', 'violations', 'counts'}) do call('UNLINK', p .. name .. ':' .. ARGV[2]) end
end

function commands.set_fact()
    call('HSET', p .. 'facts', ARGV[2], ARGV[3])
end

call('INCRBY', p .. 'version', ARGV[1] == 'changes' and (#ARGV - 1) / 12 or 1)
return commands[ARGV[1]]()
