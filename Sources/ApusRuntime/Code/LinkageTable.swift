internal import ApusABI
internal import ApusCollections
internal import CApusHost

/// The table of a module whose functions can be replaced, and the address space behind it in which
/// their code may lie: for each function that the module defines a stub and a record
/// (`FunctionLinkage`), which says where the code is now.
///
/// Function references, imports and exports name the stub, which stays the same for the module's
/// life and goes on where the record says. Other code of the module reads the record itself. What
/// is replaced is the pointer, which is data: no code is ever written to.
@safe
final class LinkageTable: Sendable {
    // SAFETY: `start` is a reservation of `2 * halfBytes + roomBytes` bytes that this object owns:
    // stubs of `count` functions, executable, and then as many records and one more, writable,
    // whose pointers are read and written as one, by any thread. The rest belongs to whoever was
    // given it by `CodeSpace`.
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer
    private let halfBytes: UInt64
    let roomBytes: UInt64
    let count: Int

    /// Bytes of a stub and of a record: so all stubs are nearly the same.
    static var entryBytes: Int { FunctionLinkage.recordBytes }

    /// A table for `count` functions, none of which has code yet, with `roomBytes` of address
    /// space in reach. A function that is called before it has any is compiled first if
    /// `compilesFirst`; then `heat` gives its record's first heat.
    init(
        count: Int, roomBytes: Int = 0, compilesFirst: Bool = false, _ trampolines: TrampolineCache,
        heat: (Int) -> Int32 = { _ in .max }
    ) throws(ResourceError) {
        let page = apus_page_bytes()
        // One more record is for what stubs of functions without code call.
        let used = UInt64((count + 1) * Self.entryBytes)
        halfBytes = (used + page - 1) / page * page
        self.roomBytes = (UInt64(roomBytes) + page - 1) / page * page
        self.count = count
        let bytes = 2 * halfBytes + self.roomBytes
        // SAFETY: the reservation has `bytes` bytes, of which the first two halves are made
        // accessible; `pointer(count)` is the last record. `deinit` gives it back, also where this
        // fails.
        guard let start = unsafe apus_reserve(bytes) else {
            throw ResourceError(.code, requested: bytes)
        }
        unsafe self.start = start
        let error = unsafe apus_protect(start, 2 * halfBytes, apus_access_write)
        guard error == 0 else {
            throw ResourceError(.code, requested: 2 * halfBytes, errorNumber: error)
        }
        writeStubs(trampolines)
        for position in 0..<count {
            if compilesFirst {
                self[position] = stub(position) &+ UInt(TrampolineKind.compileEntry)
            }
            setHeat(heat(position), position)
        }
        unsafe apus_code_pointer_set(pointer(count), trampolines.compile)
        let refused = unsafe apus_protect(start, halfBytes, apus_access_execute)
        guard refused == 0 else {
            throw ResourceError(.code, requested: halfBytes, errorNumber: refused)
        }
    }

    // SAFETY: nobody has an address of a stub or a record any more: modules, which keep this, are
    // kept by those who do.
    deinit { unsafe apus_unmap(start, 2 * halfBytes + roomBytes) }

    /// Each stub goes on at its record's pointer, and its second part calls the last record's.
    private func writeStubs(_ trampolines: TrampolineCache) {
        let distance = Int32(truncatingIfNeeded: halfBytes)
        let last = distance &+ Int32(truncatingIfNeeded: count * Self.entryBytes)
        let (code, _) = trampolines.code([.linkage(distance: distance, compileDistance: last)])
        precondition(code.count == Self.entryBytes)
        func word(_ place: Int) -> UInt64 {
            (0..<8).reversed().reduce(0) { $0 << 8 | UInt64(code[place + $1]) }
        }
        let jump = word(0)
        // Its lower half is the distance to the last record.
        var call = word(8)
        for position in 0..<count {
            let place = position * Self.entryBytes
            // SAFETY: places are below `count` entries, which the first half has room for; it is
            // writable until the stubs are executable.
            unsafe start.storeBytes(of: jump, toByteOffset: place, as: UInt64.self)
            unsafe start.storeBytes(of: call, toByteOffset: place + 8, as: UInt64.self)
            call &-= UInt64(Self.entryBytes)
        }
    }

    // SAFETY: only the address is taken.
    /// Address of the first stub.
    var base: UInt { UInt(bitPattern: unsafe start) }

    /// Address of the room for code.
    var room: UInt { base &+ UInt(2 * halfBytes) }

    /// Address of the stub of the `position`-th function that the module defines.
    func stub(_ position: Int) -> UInt {
        precondition(position >= 0 && position < count)
        return base &+ UInt(position * Self.entryBytes)
    }

    /// The function in whose stub `address` is, which was asked for its code.
    func position(ofStubAt address: UInt) -> Int? {
        let place = Int(bitPattern: address &- base) / Self.entryBytes
        return address >= base && place < count ? place : nil
    }

    /// Address of the record of the `position`-th function.
    func record(_ position: Int) -> UInt {
        base &+ UInt(halfBytes) &+ UInt(position * Self.entryBytes)
    }

    /// Where the code of that function is; 0: nowhere yet.
    subscript(position: Int) -> UInt {
        // SAFETY: `pointer` has looked at the position; pointers are read and written as one.
        get { unsafe apus_code_pointer(pointer(position)) }
        set { unsafe apus_code_pointer_set(pointer(position), newValue) }
    }

    /// How much the function may still run before it counts as hot.
    func heat(_ position: Int) -> Int32 {
        // SAFETY: `number` has looked at the position; heat is read and written as one.
        unsafe apus_heat(number(position, FunctionLinkage.heatOffset))
    }

    /// Sets how much the function may run before it counts as hot. Running code may take from it
    /// meanwhile, which is then lost.
    func setHeat(_ heat: Int32, _ position: Int) {
        // SAFETY: `number` has looked at the position; heat is read and written as one.
        unsafe apus_heat_set(number(position, FunctionLinkage.heatOffset), heat)
    }

    /// Sets whether code that begins at an outermost loop is ready.
    func setTakeover(_ isReady: Bool, _ position: Int) {
        // SAFETY: `number` has looked at the position; what says that code is ready is written as
        // one.
        unsafe apus_heat_set(number(position, FunctionLinkage.takeoverOffset), isReady ? 1 : 0)
    }

    // MARK: Counts

    /// Has `bytes` bytes of the room, whole pages that nobody has, hold counts of calls or blocks.
    func makeCounts(at address: UInt, bytes: Int) throws(ResourceError) {
        // SAFETY: the caller has whole pages of the room, which is this object's.
        let error = unsafe apus_protect(
            UnsafeMutableRawPointer(bitPattern: address), UInt64(bytes), apus_access_write)
        guard error == 0 else {
            throw ResourceError(.code, requested: UInt64(bytes), errorNumber: error)
        }
    }

    /// One of the words that are counted at `address`, two of a call, one of each block: running
    /// code changes them.
    func counts(at address: UInt, word: Int) -> UInt {
        // SAFETY: `countsWord` has looked at the address; words are read as one.
        unsafe apus_code_pointer(countsWord(address, word))
    }

    /// Sets one of the two words of a call's counts, as running code does.
    func setCounts(at address: UInt, word: Int, _ value: UInt) {
        // SAFETY: `countsWord` has looked at the address; words are written as one.
        unsafe apus_code_pointer_set(countsWord(address, word), value)
    }

    // SAFETY: `makeCounts` has made the page writable, for good, which is looked for here as far
    // as that the address is in the room.
    private func countsWord(_ address: UInt, _ word: Int) -> UnsafeMutablePointer<UInt> {
        let place = address &+ UInt(word * 8)
        precondition(place >= room && place &- room <= UInt(roomBytes) - 8)
        return unsafe UnsafeMutablePointer(bitPattern: place).unsafelyUnwrapped
    }

    private func number(_ position: Int, _ offset: Int) -> UnsafeMutablePointer<Int32> {
        // SAFETY: `pointer` has looked at the position; `offset` is that of a field of the record.
        let record = unsafe UnsafeMutableRawPointer(pointer(position))
        return unsafe (record + offset).assumingMemoryBound(to: Int32.self)
    }

    private func pointer(_ position: Int) -> UnsafeMutablePointer<UInt> {
        precondition(position >= 0 && position <= count)
        // SAFETY: there are `count` records and one more, behind the first half.
        let offset = Int(halfBytes) + position * Self.entryBytes
        return unsafe (start + offset).assumingMemoryBound(to: UInt.self)
    }
}
