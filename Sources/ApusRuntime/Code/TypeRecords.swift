internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost
internal import Synchronization

/// What compiled code and the linker read of an engine's types: a record for each slot, all in one
/// reservation, so that a type's id is shifted to the place of its record.
@safe
final class TypeRecords: Sendable {
    // SAFETY: `base` is a reservation of `slotLimit` records that this object owns, of which the
    // first `accessible` can be read and written; `zeros` and what `far` names are rows of
    // `farCount` words. A record is written by the registry, under its lock, when nobody has an id
    // of the slot. Who reads one has the id and so keeps it; others may read a record that is
    // being written, whose words are then of no use, but from inside the reservation and the rows,
    // which are kept as long as the engine.
    private let base: UInt
    /// The far part of the display of types that have none.
    private let zeros: UInt
    private let accessible = Atomic<Int>(0)

    /// Slots are below this. Nobody has slot 0, since no id is 0.
    static var slotLimit: Int { 1 << Int(TypeField.slotBits) }
    /// Records that are made accessible at a time: 64 KiB.
    private static var step: Int { 1024 }
    private static var farCount: Int { TypeField.depthLimit + 1 - TypeField.nearCount }
    private static var reservedBytes: UInt64 { UInt64(slotLimit) << UInt64(recordShift) }
    private static var recordShift: Int { TypeField.recordSizeLog2 }

    init() throws(ResourceError) {
        // SAFETY: both are this object's alone, which gives them back in `deinit` or here.
        unsafe precondition(MemoryLayout<apus_type>.stride == 1 << Self.recordShift)
        guard let start = unsafe apus_reserve(Self.reservedBytes) else {
            throw ResourceError(.signature, requested: UInt64(Self.slotLimit))
        }
        guard let row = unsafe apus_allocate(UInt64(Self.farCount * 4)) else {
            unsafe apus_unmap(start, Self.reservedBytes)
            throw ResourceError(.signature, requested: UInt64(Self.farCount))
        }
        base = UInt(bitPattern: start)
        zeros = UInt(bitPattern: row)
    }

    deinit {
        for slot in 0..<accessible.load(ordering: .relaxed) { freeRows(slot) }
        // SAFETY: nobody has a type of the engine any more, and so no record, when this goes.
        unsafe apus_free(UnsafeMutableRawPointer(bitPattern: zeros))
        unsafe apus_unmap(
            UnsafeMutableRawPointer(bitPattern: base).unsafelyUnwrapped, Self.reservedBytes)
    }

    // SAFETY: compiled code reads records of ids that it has, which are accessible.
    /// The first record, for compiled code.
    var start: UnsafePointer<apus_type> { unsafe UnsafePointer(record(0)) }

    private func record(_ slot: Int) -> UnsafeMutablePointer<apus_type> {
        // SAFETY: `slot` is below `slotLimit`, which callers see to, so this is in the reservation,
        // which is not at address 0.
        unsafe UnsafeMutablePointer<apus_type>(
            bitPattern: base &+ UInt(slot) << UInt(Self.recordShift)
        ).unsafelyUnwrapped
    }

    private func freeRows(_ slot: Int) {
        // SAFETY: the slot is accessible and nobody has its type; rows that are not `zeros` are the
        // record's own, as `write` has allocated them.
        let row = unsafe UInt(bitPattern: record(slot).pointee.far)
        if row != zeros, row != 0 {
            unsafe apus_free(UnsafeMutableRawPointer(bitPattern: row))
        }
        freeReferences(slot)
    }

    private func freeReferences(_ slot: Int) {
        // SAFETY: the slot is accessible and nobody has its type, whose objects are gone.
        guard unsafe UInt32(record(slot).pointee.tracing) == apus_tracing_far.rawValue else {
            return
        }
        unsafe record(slot).pointee.tracing = 0
        let references = unsafe UInt(record(slot).pointee.references)
        unsafe apus_free(UnsafeMutableRawPointer(bitPattern: references))
    }

    // MARK: Reading

    /// Whether there is a record for `slot`.
    private func isAccessible(_ slot: Int) -> Bool {
        slot > 0 && slot < accessible.load(ordering: .acquiring)
    }

    // SAFETY: the record is accessible, as was asked; of one that is being written the words are of
    // no use to who has no id of the slot.
    /// The id of the type that has `slot`; 0 if none has.
    func id(_ slot: Int) -> UInt32 { isAccessible(slot) ? unsafe record(slot).pointee.id : 0 }

    /// What the type that has `slot` is.
    func kind(_ slot: Int) -> CompositeKind? {
        // SAFETY: the record is accessible, as was asked; of one that is being written the words
        // are of no use to who has no id of the slot.
        isAccessible(slot) ? CompositeKind(rawValue: unsafe record(slot).pointee.kind) : nil
    }

    /// How many supertypes are above the type that has `slot`.
    func depth(_ slot: Int) -> Int {
        // SAFETY: the record is accessible, as was asked; of one that is being written the words
        // are of no use to who has no id of the slot.
        isAccessible(slot) ? min(Int(unsafe record(slot).pointee.depth), TypeField.depthLimit) : 0
    }

    /// The id of the supertype at `depth`, counted from the top, of the type that has `slot`, which
    /// may be that type itself; 0 if there is none.
    func supertype(of slot: Int, at depth: Int) -> UInt32 {
        // SAFETY: the record is accessible, as was asked; `entry` looks at the depth.
        isAccessible(slot) ? unsafe entry(record(slot), depth).pointee : 0
    }

    private func entry(
        _ record: UnsafeMutablePointer<apus_type>, _ depth: Int
    ) -> UnsafeMutablePointer<UInt32> {
        // SAFETY: the depth is one that a display has room for, near or far; `far` is `zeros` or a
        // row of as many words, from when the record becomes accessible.
        precondition(depth >= 0 && depth <= TypeField.depthLimit)
        let place = TypeField.supertype(atDepth: depth)
        let start =
            place.isFar
            ? unsafe UnsafeMutableRawPointer(mutating: record.pointee.far).unsafelyUnwrapped
            : UnsafeMutableRawPointer(record)
        return unsafe (start + Int(place.offset)).assumingMemoryBound(to: UInt32.self)
    }

    // MARK: Writing, with the registry's lock held

    /// Makes the record of `slot` accessible.
    func makeRoom(for slot: Int) throws(ResourceError) {
        let count = accessible.load(ordering: .relaxed)
        if slot < count { return }
        let added = Self.step
        let bytes = UInt64(added) << UInt64(Self.recordShift)
        // SAFETY: the registry asks for slots below `slotLimit`, a multiple of `step`, so this is
        // in the reservation; others see the new records once they are complete.
        let error = unsafe apus_protect(record(count), bytes, apus_access_write)
        guard error == 0 else {
            throw ResourceError(
                .signature, requested: UInt64(count + added), errorNumber: error)
        }
        for fresh in count..<count + added {
            unsafe record(fresh).pointee.far = UnsafePointer(bitPattern: zeros)
        }
        accessible.store(count + added, ordering: .releasing)
    }

    /// Writes the record of a type, whose slot has room, below that in slot `parent`.
    func write(
        _ slot: Int, id: UInt32, _ kind: CompositeKind, isFinal: Bool, parent: Int?,
        _ shape: ObjectShape = ObjectShape()
    ) throws(ResourceError) {
        // SAFETY: `makeRoom` has made the record accessible; nobody has an id of the slot until its
        // id is written, last of all.
        let record = unsafe record(slot)
        let depth = parent.map { self.depth($0) + 1 } ?? 0
        precondition(depth <= TypeField.depthLimit)
        if depth >= TypeField.nearCount { try unsafe makeRow(record) }
        try unsafe write(shape, to: record)
        if let parent {
            for above in 0..<depth {
                unsafe entry(record, above).pointee = supertype(of: parent, at: above)
            }
        }
        unsafe entry(record, depth).pointee = id
        unsafe record.pointee.kind = kind.rawValue
        unsafe record.pointee.is_final = isFinal ? 1 : 0
        unsafe record.pointee.depth = UInt8(truncatingIfNeeded: depth)
        unsafe record.pointee.id = id
    }

    /// Gives the record a row of its own, unless its slot has one from before.
    private func makeRow(_ record: UnsafeMutablePointer<apus_type>) throws(ResourceError) {
        // SAFETY: the caller has made the record accessible, and nobody has an id of its slot yet.
        let present = unsafe UInt(bitPattern: record.pointee.far)
        if present != zeros { return }
        guard let row = unsafe apus_allocate(UInt64(Self.farCount * 4)) else {
            throw ResourceError(.signature, requested: UInt64(Self.farCount))
        }
        unsafe record.pointee.far = UnsafePointer(row.assumingMemoryBound(to: UInt32.self))
    }

    private func write(
        _ shape: ObjectShape, to record: UnsafeMutablePointer<apus_type>
    ) throws(ResourceError) {
        // SAFETY: the caller has made the record accessible, and nobody has an id of its slot yet;
        // the row is the record's own until `freeReferences`, and as long as the shape has words.
        unsafe record.pointee.bytes = shape.bytes
        unsafe record.pointee.references = shape.references.first ?? 0
        if shape.tracing == apus_tracing_far {
            let bytes = UInt64(shape.references.count * 8)
            guard let row = unsafe apus_allocate(bytes) else {
                throw ResourceError(.signature, requested: bytes)
            }
            let words = unsafe row.assumingMemoryBound(to: UInt64.self)
            for (place, word) in shape.references.enumerated() { unsafe words[place] = word }
            unsafe record.pointee.references = UInt64(UInt(bitPattern: row))
        }
        unsafe record.pointee.tracing = UInt8(truncatingIfNeeded: shape.tracing.rawValue)
    }

    /// Forgets the type that has `slot`.
    func clear(_ slot: Int) {
        // SAFETY: the registry clears slots that it has written, of types that nobody has any more.
        let record = unsafe record(slot)
        // A row stays with the slot: somebody who has no id of it any more may be reading it.
        let hasRow = unsafe UInt(bitPattern: record.pointee.far) != zeros
        for depth in 0...(hasRow ? TypeField.depthLimit : TypeField.nearCount - 1) {
            unsafe entry(record, depth).pointee = 0
        }
        freeReferences(slot)
        unsafe record.pointee.depth = 0
        unsafe record.pointee.bytes = 0
        unsafe record.pointee.tracing = 0
        unsafe record.pointee.id = 0
    }
}
