public import ApusFormat

/// A tag: a kind of exceptions, and what they carry. Two are the same only if they are the same
/// object. Specification: 4.2.10 “Tag Instances”.
public final class ExceptionTag: Sendable {
    /// The parameters are what its exceptions carry.
    public let type: FunctionType
    /// Engine-wide id of the type, which whoever made this keeps.
    let signature: UInt32
    /// Bytes of what its exceptions carry.
    let valueBytes: Int

    /// The module that defines it, which may keep an idle instance and so this, and its index
    /// there; nil if the host has made it.
    private let definition: (module: BackReference<LoadedModule>, index: Int)?

    init(
        _ type: FunctionType, signature: UInt32,
        definedBy definition: (module: LoadedModule, index: Int)? = nil
    ) {
        self.type = type
        self.signature = signature
        self.definition = definition.map { ($0.module.reference, $0.index) }
        valueBytes = type.parameters.reduce(0) { $0 + ($1 == .v128 ? 16 : 8) }
    }

    /// What the module that defines it calls it, for people, as long as that is there: in its name
    /// section, else the first name that it is exported under.
    public var name: String? {
        guard let definition, let module = definition.module.object?.module else { return nil }
        let index = definition.index
        if let name = ModuleNames(module).tag(index) { return name }
        let item = ExternalIndex.tag(UInt32(truncatingIfNeeded: index))
        return module.exports.first { $0.item == item }?.name
    }

    // SAFETY: nobody reads through it but to get back this object, while it is kept.
    /// What compiled code and exceptions know it by.
    var address: UnsafeRawPointer {
        unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }
}
