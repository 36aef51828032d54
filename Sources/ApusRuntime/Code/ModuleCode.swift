internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusLocks

/// How the code of a module is reached.
public enum CodeLinkage: Sendable {
    /// All functions are in one image for good: calls, references and imports go straight there.
    case direct
    /// Functions may get other code at any time (`LoadedModule.install`): what is not in the same
    /// image goes through the module's table of code pointers.
    case replaceable
}

/// The code of a module: its images, and in which of them each of its functions begins.
final class ModuleCode: Sendable {
    private enum Linkage: Sendable {
        case direct(CodeImage)
        case replaceable(CodeSpace)
    }

    private let linkage: Linkage
    private let importedFunctionCount: Int
    /// Of a module whose functions can be replaced: where each of them begins.
    private let images = SystemMutex<[CodeImage?]>([])
    private let guests: CodeGuests

    /// Code whose functions are all in `image`.
    init(
        _ image: CodeImage, _ linkage: CodeLinkage, importedFunctionCount: Int,
        _ environment: RuntimeEnvironment
    ) throws(ResourceError) {
        self.importedFunctionCount = importedFunctionCount
        guests = environment.codeGuests
        switch linkage {
        case .direct: self.linkage = .direct(image)
        case .replaceable:
            let count = image.functionCount
            let table = try LinkageTable(count: count, environment.trampolines)
            self.linkage = .replaceable(
                CodeSpace(table, importedFunctionCount: importedFunctionCount))
            images.withLock { images in images = Array(repeating: nil, count: count) }
            install(image)
        }
    }

    /// Code that is made, function by function, when they are first called: whoever does it has
    /// `roomBytes` of address space for it. `heat` says how much each function may run before it
    /// counts as hot.
    init(
        functionCount: Int, roomBytes: Int, importedFunctionCount: Int,
        _ environment: RuntimeEnvironment, heat: (Int) -> Int32
    ) throws(ResourceError) {
        self.importedFunctionCount = importedFunctionCount
        guests = environment.codeGuests
        let table = try LinkageTable(
            count: functionCount, roomBytes: roomBytes, compilesFirst: true,
            environment.trampolines, heat: heat)
        linkage = .replaceable(CodeSpace(table, importedFunctionCount: importedFunctionCount))
        images.withLock { images in images = Array(repeating: nil, count: functionCount) }
    }

    /// Where function `index` is called, referred to, and imported from: it stays the same.
    func entry(ofFunction index: Int) -> UInt {
        switch linkage {
        case .direct(let image): image.address(at: index - importedFunctionCount)
        case .replaceable(let space): space.table.stub(index - importedFunctionCount)
        }
    }

    /// Where the functions of `module`, whose code this is, are called: they stay there.
    func functions(of module: DecodedModule) -> FunctionDescriptors {
        switch linkage {
        case .direct(let image): FunctionDescriptors(image, module)
        case .replaceable(let space): FunctionDescriptors(space.table, module)
        }
    }

    /// The image that has all code for good; nil if functions can be replaced.
    var fixedImage: CodeImage? {
        guard case .direct(let image) = linkage else { return nil }
        return image
    }

    /// The image in which function `index` begins now.
    func image(ofFunction index: Int) -> CodeImage? {
        switch linkage {
        case .direct(let image): image
        case .replaceable: images.withLock { $0[index - importedFunctionCount] }
        }
    }

    /// Of a module whose functions can be replaced, the images in which they begin now; nil where
    /// a function has no code.
    var currentImages: [CodeImage?] { images.withLock { $0 } }

    /// Of a module whose functions can be replaced, room for more of their code.
    var space: CodeSpace? {
        guard case .replaceable(let space) = linkage else { return nil }
        return space
    }

    // MARK: Replacing

    /// Has all functions that are in `image` begin there.
    func install(_ image: CodeImage) {
        replace((0..<image.functionCount).map { Int(image.functions[$0].index) }, by: image)
    }

    /// Has function `index` begin in `image`, which must have it, whoever calls it from now on. An
    /// image in which no function begins any more goes when its last guest has left it.
    func direct(_ index: Int, to image: CodeImage) { replace([index], by: image) }

    private func replace(_ indices: [Int], by image: CodeImage) {
        guard case .replaceable(let space) = linkage else {
            return precondition(false, "the functions are linked for good")
        }
        let gone = images.withLock { images -> [CodeImage] in
            var gone: [CodeImage] = []
            for index in indices {
                let address = image.address(ofFunction: index)
                precondition(address != nil, "the function has no code there")
                guard let address else { continue }
                let position = index - importedFunctionCount
                if let old = images[position], old !== image, gone.last !== old {
                    gone.append(old)
                }
                images[position] = image
                space.table[position] = address
            }
            return gone
        }
        for old in gone { guests.keepWhileRunning(old) }
    }
}
