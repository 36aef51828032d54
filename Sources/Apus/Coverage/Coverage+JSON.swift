extension Coverage {
    /// The coverage in JSON, as `Codable` has it: a decoder gives the same again.
    public var json: String {
        let files = files.map(\.json).joined(separator: ",\n")
        return "{\"unmappedFunctions\":\(unmappedFunctions),\"files\":[\n\(files)]}\n"
    }
}

extension Coverage.File {
    fileprivate var json: String {
        let lines = lines.map { "{\"number\":\($0.number),\"count\":\($0.count)}" }
        let functions = functions.map {
            "{\"name\":\(JSONText.quoted($0.name)),\"line\":\($0.line),\"count\":\($0.count)}"
        }
        let branches = branches.map { branch in
            let counts = branch.counts.map(String.init).joined(separator: ",")
            return "{\"line\":\(branch.line),\"number\":\(branch.number),\"counts\":[\(counts)]}"
        }
        let text = text.map { ",\"text\":" + JSONText.quoted($0) } ?? ""
        return """
            {"path":\(JSONText.quoted(path)),"lines":[\(lines.joined(separator: ","))],\
            "functions":[\(functions.joined(separator: ","))],\
            "branches":[\(branches.joined(separator: ","))]\(text)}
            """
    }
}
