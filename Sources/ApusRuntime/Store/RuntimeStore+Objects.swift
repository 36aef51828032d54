internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// The store's objects as the host sees them.
extension RuntimeStore {
    /// What the type with this number is, if there are objects of it.
    public func objectKind(of type: HeapType) -> CompositeKind? {
        guard let number = type.typeIndex, let kind = environment.types.kind(number),
            kind != .function
        else { return nil }
        return kind
    }

    /// The type of an object, as the engine names it, and what it is.
    public func objectType(_ object: UInt64) -> (HeapType, CompositeKind) {
        // SAFETY: the object is one that the host holds, or has just got from a cell; its type is
        // one of the engine's, whose records stand for good.
        let id = unsafe head(object).pointee.type
        let record = unsafe context.pointee.types + Int(id & TypeField.slotMask)
        let kind = CompositeKind(stored: unsafe record.pointee.kind, or: .structure)
        return (HeapType(id: id, kind), kind)
    }

    /// The fields of a structure, or the one of an array.
    public func fields(of type: HeapType) -> [FieldType] {
        type.typeIndex.flatMap { environment.types.fields($0) } ?? []
    }

    // SAFETY: the array is one that the host holds, or has just got from a cell.
    /// How many elements an array has.
    public func arrayLength(_ array: UInt64) -> Int { unsafe Int(head(array).pointee.length) }

    /// An object of zeros of the type with this number; nothing keeps it yet.
    ///
    /// Throws `WasmTrap` if there is no room, `ResourceError`, or what the limiter throws.
    public func makeHostObject(_ type: HeapType, length: Int) throws -> UInt64 {
        guard let number = type.typeIndex, objectKind(of: type) != nil else {
            throw ResourceError(.foreignType, requested: UInt64(type.bits))
        }
        guard let count = UInt32(exactly: length) else { throw WasmTrap(.allocationTooLarge) }
        return try retaining(.reference(type, nullable: true)) {
            do {
                return try makeObject(environment.types.id(number), length: count)
            } catch let failure as ObjectFailure {
                throw WasmTrap(failure.code)
            }
        }
    }

    /// The bits of a field of `storage` that lies `offset` bytes from an object's start.
    public func read(
        _ object: UInt64, _ storage: ValueType, at offset: Int
    ) -> (UInt64, UInt64) {
        // SAFETY: the object is one that the host holds, so nothing has collected it; the field is
        // one of its type's, or the element below its length, as the caller has looked.
        let place = unsafe UnsafeRawPointer(head(object)) + offset
        return switch ObjectLayout.bytes(of: storage) {
        case 1: (UInt64(unsafe place.load(as: UInt8.self)), 0)
        case 2: (UInt64(unsafe place.load(as: UInt16.self)), 0)
        case 4: (UInt64(unsafe place.load(as: UInt32.self)), 0)
        case 8: (unsafe place.load(as: UInt64.self), 0)
        default: (unsafe place.load(as: UInt64.self), unsafe (place + 8).load(as: UInt64.self))
        }
    }

    /// Sets what `read` gives.
    public func write(
        _ object: UInt64, _ storage: ValueType, at offset: Int, _ bits: (UInt64, UInt64)
    ) {
        // SAFETY: the object is one that the host holds, so nothing has collected it; the field is
        // one of its type's, or the element below its length, as the caller has looked.
        let place = unsafe UnsafeMutableRawPointer(head(object)) + offset
        switch ObjectLayout.bytes(of: storage) {
        case 1: unsafe place.storeBytes(of: UInt8(truncatingIfNeeded: bits.0), as: UInt8.self)
        case 2: unsafe place.storeBytes(of: UInt16(truncatingIfNeeded: bits.0), as: UInt16.self)
        case 4: unsafe place.storeBytes(of: UInt32(truncatingIfNeeded: bits.0), as: UInt32.self)
        case 8: unsafe place.storeBytes(of: bits.0, as: UInt64.self)
        default:
            unsafe place.storeBytes(of: bits.0, as: UInt64.self)
            unsafe (place + 8).storeBytes(of: bits.1, as: UInt64.self)
        }
    }

    /// Sets all elements of an array of zeros, one piece after the other, until the store's guests
    /// are to stop. Returns whether all are set.
    func fill(_ array: UInt64, _ storage: ValueType, _ bits: (UInt64, UInt64)) -> Bool {
        if bits == (0, 0) { return true }
        // SAFETY: the array is one that has just been made; its elements begin behind its header,
        // and it has as many as that says.
        let start = unsafe UnsafeMutableRawPointer(head(array)) + ObjectLayout.headerBytes
        return unsafe ElementFill.fill(
            start, arrayLength(array), of: ObjectLayout.bytes(of: storage), bits,
            mayGoOn: { mayGoOn })
    }

    private func head(_ object: UInt64) -> UnsafeMutablePointer<apus_object> {
        // SAFETY: callers have the address of an object, which is not 0.
        unsafe UnsafeMutablePointer<apus_object>(bitPattern: UInt(object)).unsafelyUnwrapped
    }

    /// Keeps the object that `word` refers to, if it does, until the number that is returned is
    /// given back.
    public func root(_ word: UInt64) -> Int { roots.insert(word) }

    /// What has been kept under `number`.
    public func rooted(_ number: Int) -> UInt64 { roots[number] }

    /// Ends what `root` has begun.
    public func unroot(_ number: Int) { roots.remove(number) }

    /// Does `work`, in which the limiter may collect, while what `word` refers to is kept.
    func keeping<Result>(_ word: UInt64, _ work: () throws -> Result) rethrows -> Result {
        if word == 0 { return try work() }
        let number = root(word)
        defer { unroot(number) }
        return try work()
    }
}
