internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import Synchronization

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
        case replaceable(LinkageTable)
    }

    /// An image in which functions begin, and how many.
    private struct Entry {
        let image: CodeImage
        var functionCount: Int
    }

    private let linkage: Linkage
    private let importedFunctionCount: Int
    /// Of a module whose functions can be replaced: ascending by where they start.
    private let entries = Mutex<[Entry]>([])
    private let guests: CodeGuests

    /// Code whose functions are all in `image`.
    init(
        _ image: CodeImage, _ linkage: CodeLinkage, importedFunctionCount: Int,
        _ environment: RuntimeEnvironment
    ) throws(ResourceError) {
        self.importedFunctionCount = importedFunctionCount
        guests = environment.codeGuests
        switch linkage {
        case .direct:
            self.linkage = .direct(image)
        case .replaceable:
            self.linkage = .replaceable(
                try LinkageTable(count: image.functionCount, environment.trampolines))
            install(image)
        }
    }

    /// Where function `index` is called, referred to, and imported from: it stays the same.
    func entry(ofFunction index: Int) -> UInt {
        switch linkage {
        case .direct(let image): image.address(at: index - importedFunctionCount)
        case .replaceable(let table): table.stub(index - importedFunctionCount)
        }
    }

    /// Where the functions of `module`, whose code this is, are called: they stay there.
    func functions(of module: DecodedModule) -> FunctionDescriptors {
        switch linkage {
        case .direct(let image): FunctionDescriptors(image, module)
        case .replaceable(let table): FunctionDescriptors(table, module)
        }
    }

    /// The image that has all code for good, if `address` is in it.
    func fixedImage(at address: UInt) -> CodeImage? {
        guard case .direct(let image) = linkage, address &- image.base <= UInt(image.codeBytes)
        else { return nil }
        return image
    }

    /// An image in which all of so many functions have code; nil if there is none.
    func wholeImage(_ functionCount: Int) -> CodeImage? {
        switch linkage {
        case .direct(let image): return image
        case .replaceable:
            return entries.withLock { entries in
                entries.first { $0.image.functionCount == functionCount }?.image
            }
        }
    }

    /// The image in which function `index` begins now.
    func image(ofFunction index: Int) -> CodeImage? {
        switch linkage {
        case .direct(let image): return image
        case .replaceable(let table):
            return entries.withLock { entries in
                let address = table[index - importedFunctionCount]
                return Self.position(of: address, in: entries).map { entries[$0].image }
            }
        }
    }

    /// Has all functions that are in `image` begin there.
    func install(_ image: CodeImage) {
        for position in 0..<image.functionCount {
            direct(Int(image.functions[position].index), to: image)
        }
    }

    /// Has function `index` begin in `image`, which must have it, whoever calls it from now on. An
    /// image in which no function begins any more goes when its last guest has left it.
    func direct(_ index: Int, to image: CodeImage) {
        guard case .replaceable(let table) = linkage else {
            return precondition(false, "the functions are linked for good")
        }
        let address = image.address(ofFunction: index)
        precondition(address != nil, "the function has no code there")
        guard let address else { return }
        let position = index - importedFunctionCount
        let gone = entries.withLock { entries in
            let old = table[position]
            Self.count(image, in: &entries)
            table[position] = address
            return Self.uncount(old, in: &entries)
        }
        if let gone { guests.keepWhileRunning(gone) }
    }

    private static func count(_ image: CodeImage, in entries: inout [Entry]) {
        if let place = position(of: image.base, in: entries) {
            entries[place].functionCount += 1
        } else {
            let place = entries.firstIndex { $0.image.base > image.base } ?? entries.count
            entries.insert(Entry(image: image, functionCount: 1), at: place)
        }
    }

    /// One function less begins at `address`. Gives the image there if that was the last one.
    private static func uncount(_ address: UInt, in entries: inout [Entry]) -> CodeImage? {
        guard address != 0, let place = position(of: address, in: entries) else { return nil }
        entries[place].functionCount -= 1
        return entries[place].functionCount > 0 ? nil : entries.remove(at: place).image
    }

    /// The entry whose image includes `address`.
    private static func position(of address: UInt, in entries: [Entry]) -> Int? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].image.base > address { high = middle } else { low = middle + 1 }
        }
        guard low > 0 else { return nil }
        let image = entries[low - 1].image
        return address &- image.base < UInt(max(image.codeBytes, 1)) ? low - 1 : nil
    }
}
