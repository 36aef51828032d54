internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

// SAFETY: who calls these is compiled code. It keeps that contexts are of instances that run; the
// validator, that places of types and segments are those of the module's, and that references are
// to objects of the types it says. An array that is given stays in use: the caller's frame has it,
// or `pinned`, if anything is made meanwhile.
extension RuntimeFunctions {
    /// (id of a type, length) → object of zeros
    static let objectNew: Entry = { context, type, length, _, _, _ in
        // SAFETY: the id is the context's own, which the stub has been given by compiled code.
        unsafe make(context, UInt32(truncatingIfNeeded: type), length) ?? 0
    }

    /// (place of a structure type) → structure of zeros
    static let structNew: Entry = { context, place, _, _, _, _ in
        // SAFETY: the place is that of a structure type of the module, as validated, whose record
        // says how many bytes its structures have.
        let type = unsafe typeID(context, place)
        let bytes = unsafe record(context, type).map { unsafe UInt64($0.pointee.bytes) } ?? 0
        return unsafe makePaid(context, type, length: 0, for: FuelCost.ofStructure(bytes: bytes))
            ?? 0
    }

    /// (place of an array type, length) → array of zeros
    static let arrayNew: Entry = { context, type, length, _, _, _ in
        // SAFETY: the place is that of an array type of the module, as validated.
        unsafe makeArray(context, type, length)?.address ?? 0
    }

    /// (place of an array type, value, length) → array
    static let arrayNewFilled: Entry = { context, type, value, length, _, _ in
        // SAFETY: the new array has `length` elements of `unit` bytes, and nothing is made between.
        guard let array = unsafe makeArray(context, type, length, keeping: value) else { return 0 }
        if value != 0 { unsafe fill(context, array.elements, array.unit, value, length) }
        return unsafe array.address
    }

    /// (place of an array type, address of a vector, length) → array
    static let arrayNewVectors: Entry = { context, type, vector, length, _, _ in
        // SAFETY: the new array has `length` elements of 16 bytes, since vectors are what it is of;
        // the vector lies in the frame of the caller, which waits.
        guard let array = unsafe makeArray(context, type, length) else { return 0 }
        unsafe fillVectors(context, array.elements, vector, length)
        return unsafe array.address
    }

    /// (place of an array type, place of a data segment, offset, length) → array
    static let arrayNewData: Entry = { context, type, segment, offset, length, _ in
        // SAFETY: `memoryBytes` gives only ranges that the segment has, and none that the garbage
        // collector moves; the array that is made has room for as many bytes.
        let unit = unsafe elementBytes(context, typeID(context, type))
        guard unsafe memoryBytes(context, segment, offset, length &* unit) != nil else {
            unsafe setTrap(context, .memoryOutOfBounds)
            return 0
        }
        guard let array = unsafe makeArray(context, type, length),
            let source = unsafe memoryBytes(context, segment, offset, length &* unit)
        else { return 0 }
        unsafe copy(context, to: array.elements, from: source, bytes: length &* unit)
        return unsafe array.address
    }

    /// (place of an array type, place of an element segment, offset, length) → array
    static let arrayNewElements: Entry = { context, type, segment, offset, length, _ in
        // SAFETY: `tableElements` gives only ranges that the segment has. It is asked anew behind
        // the making of the array, which may collect, but does not drop segments.
        guard unsafe tableElements(context, segment, offset, length) != nil else {
            unsafe setTrap(context, .tableOutOfBounds)
            return 0
        }
        guard let array = unsafe makeArray(context, type, length),
            let source = unsafe tableElements(context, segment, offset, length)
        else { return 0 }
        unsafe copy(context, to: array.elements, from: source, bytes: length &* 8)
        return unsafe array.address
    }

    /// (array, index, value, count)
    static let arrayFill: Entry = { context, array, index, value, count, _ in
        // SAFETY: `elements` gives a range only if the array has all of it.
        guard let place = unsafe elements(context, array, index, count),
            unsafe pay(context, FuelCost.ofBytes(count &* place.unit))
        else { return 0 }
        unsafe fill(context, place.start, place.unit, value, count)
        return 0
    }

    /// (array, index, address of a vector, count)
    static let arrayFillVectors: Entry = { context, array, index, vector, count, _ in
        // SAFETY: `elements` gives a range only if the array has all of it; its elements are
        // vectors, as validated, and the one to be written lies in the frame of the caller, which
        // waits.
        guard let place = unsafe elements(context, array, index, count),
            unsafe pay(context, FuelCost.ofBytes(count &* place.unit))
        else { return 0 }
        unsafe fillVectors(context, place.start, vector, count)
        return 0
    }

    /// (destination, index, source, index, count)
    static let arrayCopy: Entry = { context, destination, index, source, from, count in
        // SAFETY: `elements` gives ranges only if the arrays have all of them. Both have elements
        // of as many bytes, since the validator lets only such be copied.
        //
        // Either being null comes before what lies outside of either.
        if source == 0 {
            unsafe setTrap(context, .nullArrayReference)
            return 0
        }
        guard let target = unsafe elements(context, destination, index, count),
            let origin = unsafe elements(context, source, from, count),
            unsafe pay(context, FuelCost.ofBytes(count &* target.unit))
        else { return 0 }
        unsafe copy(context, to: target.start, from: origin.start, bytes: count &* target.unit)
        return 0
    }

    /// (place of a data segment, array, index, offset, count)
    static let arrayInitData: Entry = { context, segment, array, index, offset, count in
        // SAFETY: both ranges have been checked, for as many bytes, before either is touched.
        guard let target = unsafe elements(context, array, index, count) else { return 0 }
        let bytes = unsafe count &* target.unit
        guard let source = unsafe memoryBytes(context, segment, offset, bytes) else {
            unsafe setTrap(context, .memoryOutOfBounds)
            return 0
        }
        guard unsafe pay(context, FuelCost.ofBytes(bytes)) else { return 0 }
        unsafe copy(context, to: target.start, from: source, bytes: bytes)
        return 0
    }

    /// (place of an element segment, array, index, offset, count)
    static let arrayInitElements: Entry = { context, segment, array, index, offset, count in
        // SAFETY: both ranges have been checked; elements of an array of references have 8 bytes,
        // as those of segments have.
        guard let target = unsafe elements(context, array, index, count) else { return 0 }
        guard let source = unsafe tableElements(context, segment, offset, count) else {
            unsafe setTrap(context, .tableOutOfBounds)
            return 0
        }
        guard unsafe pay(context, FuelCost.ofBytes(count &* 8)) else { return 0 }
        unsafe copy(context, to: target.start, from: source, bytes: count &* 8)
        return 0
    }

    // MARK: Making objects

    private static func typeID(_ context: UnsafeMutablePointer<apus_context>, _ place: UInt64)
        -> UInt32
    {
        // SAFETY: `ContextLayout.signature` has given the place to the compiler; `ContextWriter`
        // has written an id there, and the context is as long as the layout says.
        unsafe (UnsafeRawPointer(context) + Int(truncatingIfNeeded: place)).load(as: UInt32.self)
    }

    /// An array of zeros, which has been paid for; nil if the calling stub is to leave wasm.
    /// `keeping`: a reference that stays in use meanwhile.
    private static func makeArray(
        _ context: UnsafeMutablePointer<apus_context>, _ place: UInt64, _ length: UInt64,
        keeping value: UInt64 = 0
    ) -> (address: UInt64, elements: UnsafeMutableRawPointer, unit: UInt64)? {
        // SAFETY: what `make` gives is the address of an object of the store's heap, whose elements
        // begin behind its header.
        let type = unsafe typeID(context, place)
        let unit = unsafe elementBytes(context, type)
        guard
            let address = unsafe makePaid(
                context, type, length: length, for: FuelCost.ofBytes(length &* unit),
                keeping: value),
            let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address))
        else { return nil }
        return unsafe (address, start + ObjectLayout.headerBytes, unit)
    }

    /// An object of zeros, for `cost` of fuel; nil if the calling stub is to leave wasm.
    private static func makePaid(
        _ context: UnsafeMutablePointer<apus_context>, _ type: UInt32, length: UInt64,
        for cost: UInt64, keeping value: UInt64 = 0
    ) -> UInt64? {
        // SAFETY: as for `make`.
        guard unsafe canPay(context, cost),
            let address = unsafe make(context, type, length, keeping: value)
        else { return nil }
        // It is paid for when it is made, if it is: after a wait, or never. Meanwhile the host may
        // have been asked, and have set what there is.
        return unsafe pay(context, cost) ? address : nil
    }

    /// An object of zeros; nil if the calling stub is to leave wasm.
    private static func make(
        _ context: UnsafeMutablePointer<apus_context>, _ type: UInt32, _ length: UInt64,
        keeping value: UInt64 = 0
    ) -> UInt64? {
        // SAFETY: the store is alive while one of its instances runs; whoever has entered it keeps
        // it.
        guard let owner = unsafe context.pointee.store_context?.pointee.store else { return nil }
        return unsafe Unmanaged<RuntimeStore>.fromOpaque(owner)._withUnsafeGuaranteedRef { store in
            do {
                if value != 0 { store.pinned.append(value) }
                defer { if value != 0 { store.pinned.removeLast() } }
                return try store.makeObject(type, length: UInt32(truncatingIfNeeded: length))
            } catch let failure as ObjectFailure {
                unsafe setTrap(context, failure.code)
            } catch {
                store.fail(error)
            }
            return nil
        }
    }

    // MARK: Elements

    private static func record(
        _ context: UnsafeMutablePointer<apus_context>, _ type: UInt32
    ) -> UnsafePointer<apus_type>? {
        // SAFETY: the engine's records stand for good, and each id that is given out has its slot.
        guard let types = unsafe context.pointee.store_context.pointee.types else { return nil }
        return unsafe types + Int(type & TypeField.slotMask)
    }

    private static func elementBytes(
        _ context: UnsafeMutablePointer<apus_context>, _ type: UInt32
    ) -> UInt64 {
        // SAFETY: `record` gives records that are there.
        unsafe record(context, type).map { unsafe UInt64($0.pointee.bytes) } ?? 1
    }

    /// Where `count` elements from `index` on are, and how many bytes each of them has. If there is
    /// no such array, or it does not have them, makes the calling stub leave wasm, and gives nil.
    private static func elements(
        _ context: UnsafeMutablePointer<apus_context>, _ array: UInt64, _ index: UInt64,
        _ count: UInt64
    ) -> (start: UnsafeMutableRawPointer, unit: UInt64)? {
        // SAFETY: a reference to an array that is not null is the address of one, as validated, and
        // its header says how long it is.
        guard let object = unsafe UnsafeMutablePointer<apus_object>(bitPattern: UInt(array)) else {
            unsafe setTrap(context, .nullArrayReference)
            return nil
        }
        let length = unsafe UInt64(object.pointee.length)
        guard count <= length, index <= length &- count else {
            unsafe setTrap(context, .arrayOutOfBounds)
            return nil
        }
        let unit = unsafe elementBytes(context, object.pointee.type)
        let offset = ObjectLayout.headerBytes &+ Int(truncatingIfNeeded: index &* unit)
        return unsafe (UnsafeMutableRawPointer(object) + offset, unit)
    }

    /// Copies elements, one piece after the other, until the guest is to stop.
    private static func copy(
        _ context: UnsafeMutablePointer<apus_context>, to target: UnsafeMutableRawPointer,
        from source: UnsafeRawPointer, bytes: UInt64
    ) {
        // SAFETY: the caller has checked that both ranges have `bytes` bytes. Where they overlap,
        // the pieces go from the end that is overwritten last.
        let bytes = Int(truncatingIfNeeded: bytes)
        let isBackward = unsafe UnsafeRawPointer(target) > source
        Pieces.forEach(
            in: bytes, of: Pieces.bytes, backward: isBackward,
            mayGoOn: { unsafe mayGoOn(context) }
        ) { offset, length in
            unsafe (target + offset).copyMemory(from: source + offset, byteCount: length)
        }
    }

    /// Writes the lowest `unit` bytes of `value` to `count` elements.
    private static func fill(
        _ context: UnsafeMutablePointer<apus_context>, _ start: UnsafeMutableRawPointer,
        _ unit: UInt64, _ value: UInt64, _ count: UInt64
    ) {
        // SAFETY: the caller has checked that there are `count` elements of `unit` bytes from
        // `start` on, which is where an array has them.
        unsafe ElementFill.fill(
            start, Int(truncatingIfNeeded: count), of: Int(truncatingIfNeeded: unit), (value, 0),
            mayGoOn: { unsafe mayGoOn(context) })
    }

    /// Writes the vector at an address in the caller's frame to `count` elements.
    private static func fillVectors(
        _ context: UnsafeMutablePointer<apus_context>, _ start: UnsafeMutableRawPointer,
        _ vector: UInt64, _ count: UInt64
    ) {
        // SAFETY: compiled code passes the address of 16 bytes of its frame; the caller has checked
        // that there are `count` elements of 16 bytes from `start` on.
        guard let source = unsafe UnsafeRawPointer(bitPattern: UInt(vector)) else { return }
        let value = unsafe source.loadUnaligned(as: SIMD2<UInt64>.self)
        unsafe ElementFill.fill(
            start, Int(truncatingIfNeeded: count), of: 16, (value.x, value.y),
            mayGoOn: { unsafe mayGoOn(context) })
    }
}
