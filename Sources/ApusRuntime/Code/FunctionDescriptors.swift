internal import ApusABI
internal import ApusCollections
public import ApusFormat

/// What is known of the functions of a code image, or of all that a module defines: where their
/// code begins, where their bodies lie, and what the places in them mean.
///
/// There are no stack maps: references on the stack are found conservatively.
public struct FunctionDescriptors: RandomAccessCollection, Sendable {
    private enum Code: Sendable {
        case image(CodeImage)
        case table(LinkageTable)
    }

    private let code: Code
    private let module: DecodedModule

    /// The functions of `image`, which belongs to `module`.
    init(_ image: CodeImage, _ module: DecodedModule) {
        code = .image(image)
        self.module = module
    }

    /// The functions that `module` defines, by their stubs in `table`.
    init(_ table: LinkageTable, _ module: DecodedModule) {
        code = .table(table)
        self.module = module
    }

    /// Address that `codeStart` of the functions counts from.
    public var imageBase: UInt {
        switch code {
        case .image(let image): image.base
        case .table(let table): table.base
        }
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int {
        switch code {
        case .image(let image): image.functionCount
        case .table(let table): table.count
        }
    }

    public subscript(position: Int) -> FunctionDescriptor {
        let imported = module.importedFunctionCount
        switch code {
        case .image(let image):
            let function = image.functions[position]
            return FunctionDescriptor(
                index: function.index, codeStart: function.codeStart,
                codeLength: function.codeLength,
                body: module.bodies[Int(function.index) - imported])
        case .table:
            let bytes = UInt32(LinkageTable.entryBytes)
            return FunctionDescriptor(
                index: UInt32(imported + position), codeStart: bytes * UInt32(position),
                codeLength: bytes, body: module.bodies[position])
        }
    }

    /// Offset of the code of the `position`-th function from the base.
    func codeStart(_ position: Int) -> UInt32 {
        switch code {
        case .image(let image): image.functions[position].codeStart
        case .table: UInt32(LinkageTable.entryBytes * position)
        }
    }

    /// What is known of `address`: of a faulting instruction, or of a return address if
    /// `isReturnAddress`. Nil outside of the image's functions; stubs have no places.
    public func place(at address: UInt, isReturnAddress: Bool) -> SourcePlace? {
        guard case .image(let image) = code else { return nil }
        return image.place(at: address, isReturnAddress: isReturnAddress).map(source)
    }

    /// As that, followed by the places of the calls around it whose callees the code is of.
    public func places(at address: UInt, isReturnAddress: Bool) -> [SourcePlace] {
        guard case .image(let image) = code else { return [] }
        return image.places(at: address, isReturnAddress: isReturnAddress).map(source)
    }

    /// The same of any instruction: the place is the one before it that is listed.
    public func places(near address: UInt) -> [SourcePlace] {
        guard case .image(let image) = code else { return [] }
        return image.places(near: address).map(source)
    }

    private func source(_ place: CodePlace) -> SourcePlace {
        let body = Int(place.functionIndex) - module.importedFunctionCount
        return SourcePlace(code: place, body: module.bodies[body])
    }
}

/// Where the code of a function lies.
public struct FunctionDescriptor: Hashable, Sendable {
    /// In the module's function index space.
    public let index: UInt32
    /// Offset of the code from the image's base, in bytes.
    public let codeStart: UInt32
    /// Bytes of code.
    public let codeLength: UInt32
    /// Where the body lies in the module's bytes.
    public let body: FunctionBody
}

/// A place in code and in the module's bytes.
public struct SourcePlace: Hashable, Sendable {
    /// The function, the trap, and the offset in the function's body.
    public let code: CodePlace
    /// The body of that function.
    public let body: FunctionBody

    /// Offset of the instruction in the module's bytes.
    public var moduleOffset: Int { Int(body.start) + Int(code.bodyOffset) }
}
