internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime
internal import ApusText

/// The text that a module was made of: what its places are lines of, if it says nothing of other
/// sources.
///
/// Nothing of it is kept with the module. When somebody first asks for a place, the text is parsed
/// again; if it comes from a file, it is read again, too, and counts only if it still is the text
/// of this very module.
enum TextPlaces {
    /// Has places of `module` be those in the file at `path`, if that is a text.
    static func find(inFileAt path: String, for module: Module) {
        module.loaded.setText { decoded in
            contents(ofFileAt: path).flatMap { places(in: $0, named: path, of: decoded) }
        }
    }

    /// Has places of `module` be those in `text`, which is called `name`.
    static func keep(_ text: ByteStorage, named name: String, for module: Module) {
        module.loaded.setText { places(in: text, named: name, of: $0) }
    }

    /// What of `text`, which is called `name`, the code of `module` comes from; nil if that is not
    /// the text's.
    static func places(
        in text: ByteStorage, named name: String, of module: DecodedModule
    ) -> SourceMap? {
        guard let code = TextFormat.codePlaces(in: text), module.hasOwnBytes(code.module) else {
            return nil
        }
        return SourceMap(
            textAt: name,
            places: code.places.lazy.map {
                (offset: $0.offset, line: $0.line, column: $0.column)
            })
    }

    /// What the file holds, if it is a regular one and has a text: nobody waits for a pipe, and a
    /// module in binary form is not read again.
    private static func contents(ofFileAt path: String) -> ByteStorage? {
        guard let file = try? HostFile.reading(path, isAwaited: true),
            file.status?.isRegular == true, file.isText
        else { return nil }
        return try? ByteStorage(reading: file.descriptor, named: path)
    }
}

extension HostFile {
    /// Whether it begins as a module in text form may.
    fileprivate var isText: Bool {
        let bytes = FileDescriptor.firstBytes(descriptor)
        return TextFormat.isText(bytes.span)
    }
}

extension DecodedModule {
    /// Whether `bytes` are the module's own.
    fileprivate func hasOwnBytes(_ own: [UInt8]) -> Bool {
        guard own.count == ownByteCount else { return false }
        let bytes = bytes
        return bytes.span.extracting(first: own.count).isEqual(to: own.span)
    }
}
