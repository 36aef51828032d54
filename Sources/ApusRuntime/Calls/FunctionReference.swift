internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// A function of a store, as wasm refers to it: the address of its `apus_funcref` record.
///
/// Valid as long as the store lives, whose owner keeps it.
@safe
public struct FunctionReference: Hashable, BitwiseCopyable {
    // SAFETY: made from records in contexts of live stores, and from cells whose type is funcref,
    // which hold nothing else; whoever keeps one keeps its store.
    /// What a table element or a value cell of type funcref holds. Never 0.
    public let bits: UInt64

    /// The function in a cell of type funcref; nil for null.
    public init?(bits: UInt64) {
        guard bits != 0 else { return nil }
        self.bits = bits
    }

    // SAFETY: who gives the record keeps its store, and with that the record.
    init(_ record: UnsafeMutablePointer<apus_funcref>) {
        bits = UInt64(UInt(bitPattern: record))
    }

    // SAFETY: the bits are a record's address, which is never 0: see `bits`.
    var record: UnsafeMutablePointer<apus_funcref> {
        unsafe UnsafeMutablePointer(bitPattern: UInt(truncatingIfNeeded: bits)).unsafelyUnwrapped
    }

    // SAFETY: the record lives as long as its store, which whoever has the reference keeps.
    /// Engine-wide id of the function's type.
    public var signature: UInt32 { unsafe record.pointee.signature }

    /// What references to this function refer to: its type.
    public var heapType: HeapType { HeapType(id: signature, .function) }

    /// The instance whose module defines the function; nil for a host function.
    public var instance: InstanceState? { owner as? InstanceState }

    /// What `body` gives, which has the instance without a reference of its own; nil for a host
    /// function.
    @inline(__always)
    func withInstance<Result>(_ body: (InstanceState) throws -> Result) rethrows -> Result? {
        // SAFETY: as for `owner`.
        try unsafe Unmanaged<AnyObject>.fromOpaque(record.pointee.owner)._withUnsafeGuaranteedRef {
            guard let instance = $0 as? InstanceState else { return nil }
            return try body(instance)
        }
    }

    /// The function of the host that it is; nil for one that a module defines.
    var host: HostFunction? { owner as? HostFunction }

    private var owner: AnyObject {
        // SAFETY: the record's owner is an object of the runtime's that its store keeps.
        unsafe Unmanaged<AnyObject>.fromOpaque(record.pointee.owner).takeUnretainedValue()
    }

    // SAFETY: the record lives as long as its store, which whoever has the reference keeps.
    /// Index in its module's function index space; 0 for a host function.
    public var functionIndex: UInt32 { unsafe record.pointee.function_index }

    // SAFETY: the record lives as long as its store, which whoever has the reference keeps.
    var code: UInt { UInt(bitPattern: unsafe record.pointee.code) }
    var context: UInt { UInt(bitPattern: unsafe record.pointee.context) }
}

/// All that entering a function takes: looked up once, called often. It is four words, which calls
/// pass in registers.
public struct CallTarget: BitwiseCopyable {
    let entry: UInt
    let code: UInt
    let context: UInt
    @usableFromInline let cells: UInt32
    @usableFromInline let parameters: UInt32

    /// Cells that a call needs: as many as the function has parameters or results, whichever is
    /// more.
    @inlinable public var cellCount: Int { Int(truncatingIfNeeded: cells) }
    /// How many of them the arguments take.
    @inlinable public var parameterCount: Int { Int(truncatingIfNeeded: parameters) }

    init(entry: UInt, code: UInt, context: UInt, _ type: FunctionType) {
        self.entry = entry
        self.code = code
        self.context = context
        // There are limits to how many a type has.
        parameters = UInt32(truncatingIfNeeded: ArgumentLayout.cellBytes(type.parameters) / 8)
        cells = max(
            parameters, UInt32(truncatingIfNeeded: ArgumentLayout.cellBytes(type.results) / 8))
    }

    /// Bytes of stack that a call takes at most until the callee looks whether there is so much:
    /// where arguments and results lie that do not fit into registers, and once more in the frame
    /// of a host trampoline.
    static func stackBytes(_ type: FunctionType) -> UInt {
        let parameters = ArgumentLayout.cellBytes(type.parameters)
        let results = ArgumentLayout.cellBytes(type.results)
        return UInt(parameters + results + max(parameters, results)) &+ sparePerCall
    }

    /// The same of this one.
    var stackBytes: UInt { UInt(cells) &* 24 &+ Self.sparePerCall }

    /// For return addresses, saved registers and padding.
    private static var sparePerCall: UInt { 128 }

    /// With arguments among which there are no references.
    init(entry: UInt, code: UInt, context: UInt) {
        self.entry = entry
        self.code = code
        self.context = context
        parameters = 0
        cells = 1
    }
}
