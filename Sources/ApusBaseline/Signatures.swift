internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// The module's function types with what calls need to know of them.
struct Signatures: ~Copyable {
    let table: SignatureTable
    private var stackBytes = Arena<StackBytes>(capacity: 64)
    private(set) var globals = Arena<ValueType>(capacity: 16)
    /// Some signature or global has a v128.
    private(set) var hasVectors: Bool

    // Not private: Swift 6.3's debug builds would refer to private metadata from other files.
    struct StackBytes: BitwiseCopyable {
        var parameters: Int32
        var results: Int32
    }

    init(_ module: DecodedModule) {
        table = SignatureTable(module)
        hasVectors = table.hasVectors
        for index in module.types.indices {
            guard module.types.kind(index) == .function else {
                stackBytes.append(StackBytes(parameters: 0, results: 0))
                continue
            }
            let type = module.types.function(index)
            stackBytes.append(
                StackBytes(
                    parameters: CallingConvention.parameterStackBytes(type),
                    results: CallingConvention.resultStackBytes(type)))
        }
        for global in module.globals {
            if global.value == .v128 { hasVectors = true }
            globals.append(global.value)
        }
    }

    /// A value type of the table's pool.
    @inline(__always)
    func type(_ place: Int) -> ValueType { table.types[place] }

    @inline(__always)
    subscript(typeIndex: Int) -> Signature {
        let bytes = stackBytes[typeIndex]
        return Signature(
            flat: table[typeIndex], parameterStackBytes: bytes.parameters,
            resultStackBytes: bytes.results)
    }

    @inline(__always)
    func ofFunction(_ index: Int) -> Signature { self[table.typeIndex(ofFunction: index)] }
}

struct Signature: BitwiseCopyable {
    var flat: FlatSignature
    var parameterStackBytes: Int32
    var resultStackBytes: Int32

    var parameterStart: Int32 { @inline(__always) get { flat.parameterStart } }
    var parameterCount: Int32 { @inline(__always) get { flat.parameterCount } }
    var resultStart: Int32 { @inline(__always) get { flat.resultStart } }
    var resultCount: Int32 { @inline(__always) get { flat.resultCount } }
}
