public import ApusFormat
public import ApusRuntime

/// A kind of exceptions, and what they carry. Specification: 4.2.10 “Tag Instances”.
///
/// Guests throw exceptions with a tag that they define or import, and catch those whose tag is the
/// same; so a host that throws or catches exceptions of guests shares a tag with them.
public struct Tag {
    let tag: ExceptionTag
    /// The store it belongs to.
    public let store: Store

    init(_ tag: ExceptionTag, in store: Store) {
        self.tag = tag
        self.store = store
    }

    /// Makes a tag that belongs to no instance, for instances to import. Its exceptions carry
    /// values of `parameters`.
    ///
    /// - Throws: `ResourceError` if there are more than a function may have.
    public init(_ store: Store, parameters: [ValueType]) throws(ResourceError) {
        self.init(try store.runtime.makeTag(FunctionType(parameters, [])), in: store)
    }

    /// The types of what its exceptions carry.
    public var parameters: [ValueType] { tag.type.parameters }
}

extension Tag: Equatable {
    /// Whether both are the same tag: one of equal type is another one.
    public static func == (left: Tag, right: Tag) -> Bool { left.tag === right.tag }
}
