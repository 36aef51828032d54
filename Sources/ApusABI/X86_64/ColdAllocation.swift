public import ApusAssembler

/// How many elements a new object has, if it is an array; 0 of a structure.
public enum ObjectLength: BitwiseCopyable, Sendable {
    case constant(UInt32)
    case register(GPR)
}

/// An object for which there is no room at hand, of whose making by the runtime the code lies
/// behind the rest.
public struct ColdAllocation: BitwiseCopyable, Sendable {
    public var label: Label
    /// Where it goes on with the object in its register.
    public var back: Label
    public var bodyOffset: UInt32
    /// Where the context has the type's id.
    public var type: Int32
    public var length: ObjectLength
    public var object: GPR

    public init(
        of object: GPR, type: Int32, _ length: ObjectLength, at bodyOffset: UInt32,
        _ label: Label, back: Label
    ) {
        self.label = label
        self.back = back
        self.bodyOffset = bodyOffset
        self.type = type
        self.length = length
        self.object = object
    }
}
